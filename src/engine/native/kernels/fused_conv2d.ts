import type * as tf from '@tensorflow/tfjs-core';
import { executeOnTensors, float32 } from '../backend.ts';
import type { OwnKernel } from './own_kernel.ts';

/** Convolution and bias. TensorFlow's fused operation takes a list of names, which the binding cannot pass. */
export const fusedConv2d: OwnKernel = {
  name: 'FusedConv2D',
  run(backend, inputs, attributes) {
    const { x, filter, bias } = inputs as Record<'x' | 'filter' | 'bias', tf.TensorInfo>;
    const [height, width] = attributes.strides as [number, number];
    const padding = (attributes.pad as string).toUpperCase();
    const convolution = { T: float32, strides: [1, height, width, 1], padding, data_format: 'NHWC' };
    const convolved = executeOnTensors(backend, 'Conv2D', convolution, [x, filter]);
    const output = executeOnTensors(backend, 'BiasAdd', { T: float32, data_format: 'NHWC' }, [
      convolved,
      bias,
    ]);
    convolved.dispose();
    return output;
  },
};
