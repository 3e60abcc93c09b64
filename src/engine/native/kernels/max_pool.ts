import * as tf from '@tensorflow/tfjs-core';
import { execute, executeOnTensors, float32, type NodeBackend } from '../backend.ts';
import type { OwnKernel } from './own_kernel.ts';

/**
 * TensorFlow's MaxPoolGrad on the CPU finds each window's largest value again, which takes longer than all the
 * rest of the network. MaxPoolWithArgmax keeps where it was. cuDNN's own gradient needs no such help.
 */

/** Handles of the largest values' places (int64), by the data id of the pooled output, until its gradient. */
const argmaxes = new WeakMap<object, number>();

function poolAttributes({ filterSize, strides, pad }: tf.NamedAttrMap) {
  const pair = (size: unknown) => (Array.isArray(size) ? size : [size, size]) as number[];
  return {
    T: float32,
    ksize: [1, ...pair(filterSize), 1],
    strides: [1, ...pair(strides), 1],
    padding: (pad as string).toUpperCase(),
  };
}

function poolWithArgmax(backend: NodeBackend, x: tf.TensorInfo, attributes: tf.NamedAttrMap): tf.Tensor {
  const [output, argmax] = execute(
    backend,
    'MaxPoolWithArgmax',
    { ...poolAttributes(attributes), Targmax: { type: 'TF_INT64' }, include_batch_in_index: false },
    backend.getInputTensorIds([x]),
    2,
  );
  const pooled = backend.createOutputTensor(output as NonNullable<typeof output>);
  argmaxes.set(pooled.dataId, argmax?.id as number);
  return pooled;
}

export const maxPool: OwnKernel = {
  name: 'MaxPool',
  only: 'cpu',
  run(backend, inputs, attributes) {
    const x = inputs.x as tf.TensorInfo;
    if (tf.engine().state.gradientDepth > 0) return poolWithArgmax(backend, x, attributes);
    const plain = { ...poolAttributes(attributes), data_format: 'NHWC' };
    return executeOnTensors(backend, 'MaxPool', plain, [x]);
  },
};

export const maxPoolGradient: OwnKernel = {
  name: 'MaxPoolGrad',
  only: 'cpu',
  run(backend, inputs, attributes) {
    const { dy, input, output } = inputs as Record<'dy' | 'input' | 'output', tf.TensorInfo>;
    const argmax = argmaxes.get(output.dataId);
    if (argmax === undefined) {
      const plain = { ...poolAttributes(attributes), data_format: 'NHWC' };
      return executeOnTensors(backend, 'MaxPoolGrad', plain, [input, output, dy]);
    }
    argmaxes.delete(output.dataId);
    const [gradient] = execute(
      backend,
      'MaxPoolGradWithArgmax',
      { ...poolAttributes(attributes), Targmax: { type: 'TF_INT64' }, include_batch_in_index: false },
      [...backend.getInputTensorIds([input, dy]), argmax],
    );
    backend.binding.deleteTensor(argmax);
    return backend.createOutputTensor(gradient as NonNullable<typeof gradient>);
  },
};
