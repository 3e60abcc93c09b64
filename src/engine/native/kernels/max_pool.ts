import * as tf from '@tensorflow/tfjs-core';
import { execute, executeOnTensors, type NodeBackend } from '../backend.ts';
import type { OwnKernel } from './own_kernel.ts';

/**
 * TensorFlow's MaxPoolGrad on the CPU searches each window again for its largest value, and takes longer than any
 * other operation of the network. Ours keeps where it was. cuDNN's own gradient needs no such help.
 */

/** Handles of the largest values' places (uint8), by the data id of the pooled output, until its gradient. */
const places = new WeakMap<object, number>();

type PoolInfo = ReturnType<typeof tf.backend_util.computePool2DInfo>;

function poolInfo(
  x: tf.TensorInfo,
  { filterSize, strides, pad, dimRoundingMode }: tf.NamedAttrMap,
): PoolInfo {
  return tf.backend_util.computePool2DInfo(
    x.shape as [number, number, number, number],
    filterSize as [number, number],
    strides as [number, number],
    1,
    pad as 'same' | 'valid',
    dimRoundingMode as 'floor' | undefined,
  );
}

function window({ filterHeight, filterWidth, strideHeight, strideWidth, padInfo, ...info }: PoolInfo) {
  const { outHeight, outWidth } = info;
  const { top, left } = padInfo;
  return [filterHeight, filterWidth, strideHeight, strideWidth, top, left, outHeight, outWidth];
}

/** A window's places are kept as bytes. */
const mostPlaces = 256;

/** TensorFlow's own MaxPool, for answers without learning, and for windows larger than a byte can count. */
function plainAttributes({ filterHeight, filterWidth, strideHeight, strideWidth, padInfo }: PoolInfo) {
  return {
    T: { type: 'TF_FLOAT' },
    ksize: [1, filterHeight, filterWidth, 1],
    strides: [1, strideHeight, strideWidth, 1],
    padding: padInfo.type,
    data_format: 'NHWC',
  };
}

function poolWithPlaces(backend: NodeBackend, x: tf.TensorInfo, info: PoolInfo): tf.Tensor {
  const ids = backend.getInputTensorIds([x]);
  const [output, place] = execute(backend, 'BatSupMaxPool', { window: window(info) }, ids, 2);
  const pooled = backend.createOutputTensor(output as NonNullable<typeof output>);
  places.set(pooled.dataId, place?.id as number);
  return pooled;
}

export const maxPool: OwnKernel = {
  name: 'MaxPool',
  needs: 'operations',
  run(backend, inputs, attributes) {
    const x = inputs.x as tf.TensorInfo;
    const info = poolInfo(x, attributes);
    const learning = tf.engine().state.gradientDepth > 0;
    if (learning && info.filterHeight * info.filterWidth <= mostPlaces)
      return poolWithPlaces(backend, x, info);
    return executeOnTensors(backend, 'MaxPool', plainAttributes(info), [x]);
  },
};

export const maxPoolGradient: OwnKernel = {
  name: 'MaxPoolGrad',
  needs: 'operations',
  run(backend, inputs, attributes) {
    const { dy, input, output } = inputs as Record<'dy' | 'input' | 'output', tf.TensorInfo>;
    const info = poolInfo(input, attributes);
    const place = places.get(output.dataId);
    if (place === undefined)
      return executeOnTensors(backend, 'MaxPoolGrad', plainAttributes(info), [input, output, dy]);
    places.delete(output.dataId);
    const [dyId, inputId] = backend.getInputTensorIds([dy, input]) as [number, number];
    const ids = [dyId, place, inputId];
    const [gradient] = execute(backend, 'BatSupMaxPoolGrad', { window: window(info) }, ids);
    backend.binding.deleteTensor(place);
    return backend.createOutputTensor(gradient as NonNullable<typeof gradient>);
  },
};
