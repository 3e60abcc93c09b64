import * as tf from '@tensorflow/tfjs-core';
import { execute, executeOnTensors, firstId, type NodeBackend } from '../backend.ts';
import { defer, inputsOf } from '../deferred.ts';
import type { OwnKernel } from './own_kernel.ts';

/**
 * TensorFlow's MaxPoolGrad on the CPU searches each window again for its largest value, and takes longer than any
 * other operation of the network. Ours keeps where it was. cuDNN's own gradient needs no such help.
 */

/** The largest values' places (uint8), by the data id of the pooled output, until its gradient. */
const places = new WeakMap<object, tf.Tensor>();

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
  const { inHeight, inWidth, outHeight, outWidth } = info;
  const sizes = [inHeight, inWidth, outHeight, outWidth];
  return [filterHeight, filterWidth, strideHeight, strideWidth, padInfo.top, padInfo.left, ...sizes];
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
  const { binding } = backend;
  // Adding the bias to the largest value is the same as taking the largest of the values with the bias.
  const [convolved, bias] = inputsOf(x, 'biased') ?? [];
  const ids = backend.getInputTensorIds(convolved && bias ? [convolved, bias] : [x]);
  const none = bias ? undefined : binding.createTensor([1], binding.TF_FLOAT as number, Float32Array.of(0));
  const all = none === undefined ? ids : [...ids, none];
  const [output, place] = execute(backend, 'BatSupMaxPool', { window: window(info) }, all, 2);
  if (none !== undefined) binding.deleteTensor(none);
  const pooled = backend.createOutputTensor(output as NonNullable<typeof output>);
  places.set(pooled.dataId, tf.keep(backend.createOutputTensor(place as NonNullable<typeof place>)));
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
    if (!place) return executeOnTensors(backend, 'MaxPoolGrad', plainAttributes(info), [input, output, dy]);
    const scattered = { kind: 'scattered', inputs: [dy, place] } as const;
    const gradient = defer(backend, input.shape, scattered, () => {
      const ids = backend.getInputTensorIds([dy, place]);
      return firstId(execute(backend, 'BatSupMaxPoolGrad', { window: window(info) }, ids));
    });
    places.delete(output.dataId);
    place.dispose();
    return gradient;
  },
};
