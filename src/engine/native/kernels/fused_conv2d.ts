import type * as tf from '@tensorflow/tfjs-core';
import { execute, executeOnTensors, firstId, float32 } from '../backend.ts';
import { defer } from '../deferred.ts';
import type { OwnKernel } from './own_kernel.ts';

/** Convolution and bias; the bias is left to a max-pooling that follows, for which it is a quarter of the work. */
export const fusedConv2d: OwnKernel = {
  name: 'FusedConv2D',
  run(backend, inputs, attributes) {
    const { x, filter, bias } = inputs as Record<'x' | 'filter' | 'bias', tf.TensorInfo>;
    const [height, width] = attributes.strides as [number, number];
    const padding = (attributes.pad as string).toUpperCase();
    const convolution = { T: float32, strides: [1, height, width, 1], padding, data_format: 'NHWC' };
    const convolved = executeOnTensors(backend, 'Conv2D', convolution, [x, filter]);
    const biased = { kind: 'biased', inputs: [convolved, bias] } as const;
    const output = defer(backend, convolved.shape, biased, () => {
      const ids = backend.getInputTensorIds([convolved, bias]);
      return firstId(execute(backend, 'BiasAdd', { T: float32, data_format: 'NHWC' }, ids));
    });
    convolved.dispose();
    return output;
  },
};
