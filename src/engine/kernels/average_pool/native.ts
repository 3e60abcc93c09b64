import { tf } from '../../../tensors/tf.ts';
import { execute, float32 } from '../../native/backend.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { averagePoolGradKernel } from './operation.ts';

/** TensorFlow's own, which like ours does not count padding. */
export const averagePoolGradient: OwnKernel = {
  name: averagePoolGradKernel,
  run(backend, { dy }, attributes) {
    const { inputShape, filterSize, strides, pad } = attributes as unknown as {
      inputShape: [number, number, number, number];
      filterSize: number | [number, number];
      strides: number | [number, number];
      pad: 'same' | 'valid';
    };
    const info = tf.backend_util.computePool2DInfo(inputShape, filterSize, strides, 1, pad);
    const { binding } = backend;
    const shape = binding.createTensor([4], binding.TF_INT32 as number, Int32Array.from(inputShape));
    const options = {
      T: float32,
      ksize: [1, info.filterHeight, info.filterWidth, 1],
      strides: [1, info.strideHeight, info.strideWidth, 1],
      padding: info.padInfo.type,
      data_format: 'NHWC',
    };
    const ids = [shape, ...backend.getInputTensorIds([dy as tf.TensorInfo])];
    const [output] = execute(backend, 'AvgPoolGrad', options, ids);
    binding.deleteTensor(shape);
    return backend.createOutputTensor(output as NonNullable<typeof output>);
  },
};
