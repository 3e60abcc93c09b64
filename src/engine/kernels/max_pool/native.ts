import { tf } from '../../../tensors/tf.ts';
import {
  execute,
  executeOnTensors,
  firstId,
  type NodeBackend,
  type OutputMetadata,
} from '../../native/backend.ts';
import { defer, keepWith, partsOf, remember } from '../../native/fusion.ts';
import type { OwnKernel } from '../../native/kernel.ts';

/**
 * TensorFlow's MaxPoolGrad on the CPU searches each window again for its maximum, and takes longer than any other
 * operation of the network. Ours keeps the indices of the maxima, and is fused with the bias before it and the relu
 * after it (native/fusion.ts), which makes prediction faster too. cuDNN's gradient is fast enough.
 */

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

/** Indices are kept as bytes, and 255 marks those that relu sets to zero. */
const maxWindow = 255;

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

/** The max-pooling of a batch normalisation, with the relu between them; undefined where x comes from anything else. */
function runAfterBatchNorm(
  backend: NodeBackend,
  { x, info }: { x: tf.TensorInfo; info: PoolInfo },
  relu: boolean,
): OutputMetadata[] | undefined {
  const norm = partsOf(x, 'batchNorm');
  if (!norm || norm.other) return undefined;
  const attributes = { window: window(info, relu || norm.relu) };
  const ids = backend.getInputTensorIds([norm.x, norm.coefficients]);
  return execute(backend, 'BatSupNormMaxPool', attributes, ids, 2);
}

/** A max-pooling, fused with the bias of a convolution before it where there is one. */
function runAfterBias(
  backend: NodeBackend,
  { x, info }: { x: tf.TensorInfo; info: PoolInfo },
  relu: boolean,
): OutputMetadata[] {
  const { binding } = backend;
  const conv = partsOf(x, 'convBias');
  const ids = backend.getInputTensorIds(conv ? [conv.convolved, conv.bias] : [x]);
  const noBias = conv ? undefined : binding.createTensor([1], binding.TF_FLOAT as number, Float32Array.of(0));
  const all = noBias === undefined ? ids : [...ids, noBias];
  const outputs = execute(backend, 'BatSupMaxPool', { window: window(info, relu) }, all, 2);
  if (noBias !== undefined) binding.deleteTensor(noBias);
  return outputs;
}

/**
 * Runs a max-pooling, fused with what is before it.
 * @param pooled keeps the indices of the maxima.
 * @returns the output's handle.
 */
function run(
  backend: NodeBackend,
  { x, pooled, info }: { x: tf.TensorInfo; pooled: tf.Tensor; info: PoolInfo },
  relu: boolean,
): OutputMetadata {
  const [output, index] =
    runAfterBatchNorm(backend, { x, info }, relu) ?? runAfterBias(backend, { x, info }, relu);
  const indices = keepWith(backend, pooled, backend.createOutputTensor(index as OutputMetadata));
  const parts = partsOf(pooled, 'maxPool');
  if (parts) parts.ran = { indices, relu };
  return output as OutputMetadata;
}

export const maxPool: OwnKernel = {
  name: 'MaxPool',
  needs: 'operations',
  run(backend, inputs, attributes) {
    const x = inputs.x as tf.TensorInfo;
    const info = poolInfo(x, attributes);
    if (info.filterHeight * info.filterWidth > maxWindow)
      return executeOnTensors(backend, 'MaxPool', plainAttributes(info), [x]);
    const parts = { x, run: (relu: boolean) => run(backend, { x, pooled, info }, relu) };
    const pooled: tf.Tensor = defer(backend, info.outShape, 'maxPool', parts, () => parts.run(false).id);
    return pooled;
  },
};

/** The relu of a max-pooling, both in one operation; undefined where x comes from anything else. */
export function reluOfMaxPool(backend: NodeBackend, x: tf.TensorInfo): tf.Tensor | undefined {
  const parts = partsOf(x, 'maxPool');
  if (!parts) return undefined;
  const output = backend.createOutputTensor(parts.run(true));
  remember(output, 'reluOfMaxPool', { maxPool: x.dataId });
  return output;
}

/** dy before the gradient of a fused relu, whose indices are masked; else dy itself, with indices of all maxima. */
function gradientAtIndices(backend: NodeBackend, dy: tf.TensorInfo, pooled: tf.TensorInfo) {
  const parts = partsOf(pooled, 'maxPool');
  if (!parts?.ran?.relu) return { dy, indices: parts?.ran?.indices };
  const masked = partsOf(dy, 'reluGrad');
  if (masked && partsOf(masked.y, 'reluOfMaxPool')?.maxPool === pooled.dataId)
    return { dy: masked.dy, indices: parts.ran.indices };
  // Runs the max-pooling again, without relu.
  backend.getInputTensorIds([pooled]);
  return { dy, indices: parts.ran.indices };
}

export const maxPoolGradient: OwnKernel = {
  name: 'MaxPoolGrad',
  needs: 'operations',
  run(backend, inputs, attributes) {
    const { input, output } = inputs as Record<'input' | 'output', tf.TensorInfo>;
    const info = poolInfo(input, attributes);
    const { dy, indices } = gradientAtIndices(backend, inputs.dy as tf.TensorInfo, output);
    if (!indices) return executeOnTensors(backend, 'MaxPoolGrad', plainAttributes(info), [input, output, dy]);
    const parts = { dy, indices, window: window(info, false) };
    return defer(backend, input.shape, 'maxPoolGrad', parts, () => {
      const ids = backend.getInputTensorIds([dy, indices]);
      return firstId(execute(backend, 'BatSupMaxPoolGrad', { window: parts.window }, ids));
    });
  },
};
