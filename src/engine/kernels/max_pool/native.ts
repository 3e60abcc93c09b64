import * as tf from '@tensorflow/tfjs-core';
import {
  execute,
  executeOnTensors,
  firstId,
  type NodeBackend,
  type OutputMetadata,
} from '../../native/backend.ts';
import { defer, inputsOf, keepWith } from '../../native/deferred.ts';
import type { OwnKernel } from '../../native/kernel.ts';

/**
 * TensorFlow's MaxPoolGrad on the CPU searches each window again for its largest value, and takes longer than any
 * other operation of the network. Ours keeps where it was, and takes along the bias before a max-pooling and the relu
 * after it, which helps answers as well. cuDNN's own gradient needs no such help.
 */

/** A max-pooling that waits for whether relu follows; runs it. By its output's data id. */
const waiting = new WeakMap<object, (relu: boolean) => OutputMetadata>();

interface Places {
  /** Of the largest values, uint8; 255 where relu lets none pass. */
  places: tf.TensorInfo;
  relu: boolean;
}

/** By the data id of the max-pooling's output. */
const placesOf = new WeakMap<object, Places>();

/** The data id of the max-pooling that a relu was run with, by that of the relu's output. */
const pooledBefore = new WeakMap<object, object>();

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

function window(
  { filterHeight, filterWidth, strideHeight, strideWidth, padInfo, ...info }: PoolInfo,
  relu: boolean,
) {
  const { inHeight, inWidth, outHeight, outWidth } = info;
  const sizes = [inHeight, inWidth, outHeight, outWidth];
  return [
    filterHeight,
    filterWidth,
    strideHeight,
    strideWidth,
    padInfo.top,
    padInfo.left,
    ...sizes,
    Number(relu),
  ];
}

/** A window's places are kept as bytes, of which one means none. */
const mostPlaces = 255;

/** TensorFlow's own MaxPool, for windows larger than a byte can count. */
function plainAttributes({ filterHeight, filterWidth, strideHeight, strideWidth, padInfo }: PoolInfo) {
  return {
    T: { type: 'TF_FLOAT' },
    ksize: [1, filterHeight, filterWidth, 1],
    strides: [1, strideHeight, strideWidth, 1],
    padding: padInfo.type,
    data_format: 'NHWC',
  };
}

/**
 * Runs a max-pooling; its places stay as long as `pooled` does.
 * @param x deferred with its bias, where a convolution made it.
 * @returns the output's handle.
 */
function poolWithPlaces(
  backend: NodeBackend,
  { x, pooled, info }: { x: tf.TensorInfo; pooled: tf.Tensor; info: PoolInfo },
  relu: boolean,
): OutputMetadata {
  const { binding } = backend;
  // Adding the bias to the largest value is the same as taking the largest of the values with the bias.
  const [convolved, bias] = inputsOf(x, 'biased') ?? [];
  const ids = backend.getInputTensorIds(convolved && bias ? [convolved, bias] : [x]);
  const none = bias ? undefined : binding.createTensor([1], binding.TF_FLOAT as number, Float32Array.of(0));
  const all = none === undefined ? ids : [...ids, none];
  const [output, place] = execute(backend, 'BatSupMaxPool', { window: window(info, relu) }, all, 2);
  if (none !== undefined) binding.deleteTensor(none);
  const places = keepWith(backend, pooled, backend.createOutputTensor(place as OutputMetadata));
  placesOf.set(pooled.dataId, { places, relu });
  return output as OutputMetadata;
}

export const maxPool: OwnKernel = {
  name: 'MaxPool',
  needs: 'operations',
  run(backend, inputs, attributes) {
    const x = inputs.x as tf.TensorInfo;
    const info = poolInfo(x, attributes);
    if (info.filterHeight * info.filterWidth > mostPlaces)
      return executeOnTensors(backend, 'MaxPool', plainAttributes(info), [x]);
    const run = (relu: boolean) => poolWithPlaces(backend, { x, pooled, info }, relu);
    const pooled = defer(backend, info.outShape, { kind: 'pooled', inputs: [x] }, () => run(false).id);
    waiting.set(pooled.dataId, run);
    return pooled;
  },
};

/** The relu of a max-pooling that waits for it; undefined for anything else. */
export function reluOfPooled(backend: NodeBackend, pooled: tf.TensorInfo): tf.Tensor | undefined {
  const run = waiting.get(pooled.dataId);
  if (!run) return undefined;
  const output = backend.createOutputTensor(run(true));
  pooledBefore.set(output.dataId, pooled.dataId);
  return output;
}

/** Whether a relu was run with the max-pooling before it. */
export function isReluOfPooled({ dataId }: tf.TensorInfo): boolean {
  return pooledBefore.has(dataId);
}

/** The gradient before relu's, where the places tell what relu let pass; else dy itself, and places of everything. */
function gradientAtPlaces(backend: NodeBackend, dy: tf.TensorInfo, pooled: tf.TensorInfo) {
  const found = placesOf.get(pooled.dataId);
  if (!found?.relu) return { dy, places: found?.places };
  const [unmasked, relu] = inputsOf(dy, 'masked') ?? [];
  if (unmasked && relu && pooledBefore.get(relu.dataId) === pooled.dataId)
    return { dy: unmasked, places: found.places };
  backend.getInputTensorIds([pooled]);
  return { dy, places: placesOf.get(pooled.dataId)?.places };
}

export const maxPoolGradient: OwnKernel = {
  name: 'MaxPoolGrad',
  needs: 'operations',
  run(backend, inputs, attributes) {
    const { input, output } = inputs as Record<'input' | 'output', tf.TensorInfo>;
    const info = poolInfo(input, attributes);
    const { dy, places } = gradientAtPlaces(backend, inputs.dy as tf.TensorInfo, output);
    if (!places) return executeOnTensors(backend, 'MaxPoolGrad', plainAttributes(info), [input, output, dy]);
    return defer(backend, input.shape, { kind: 'scattered', inputs: [dy, places] }, () => {
      const ids = backend.getInputTensorIds([dy, places]);
      return firstId(execute(backend, 'BatSupMaxPoolGrad', { window: window(info, false) }, ids));
    });
  },
};
