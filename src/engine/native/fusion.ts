import type { tf } from '../../tensors/tf.ts';
import type { NodeBackend, OutputMetadata } from './backend.ts';

/**
 * Fusion on the native engine. tfjs calls one kernel at a time, and each would read and write all of its memory. So a
 * kernel may return a tensor without computing it and remember here what it is made of, its pattern. A later kernel
 * that knows the pattern computes both in one operation. Anyone else who reads the tensor materialises it first. The
 * results are the same; whichever happens, a kernel's caller does not notice.
 *
 * | returned by               | pattern        | fused by                  | in the operation        | else computed by  |
 * |---------------------------|----------------|---------------------------|-------------------------|-------------------|
 * | FusedConv2D with a bias   | convBias       | MaxPool                   | BatSupMaxPool           | BiasAdd           |
 * | MaxPool                   | maxPool        | Relu                      | BatSupMaxPool, relu = 1 | BatSupMaxPool     |
 * | BatchNormTraining         | batchNorm      | Add, Relu                 | BatSupBatchNorm         | BatSupBatchNorm   |
 * |                           |                | MaxPool                   | BatSupNormMaxPool       |                   |
 * | ReluGrad of either        | reluGrad       | MaxPoolGrad               | BatSupMaxPoolGrad       | ReluGrad          |
 * |                           |                | BatchNormTrainingGrad     | BatSupBatchNormGrad     |                   |
 * | MaxPoolGrad               | maxPoolGrad    | BiasAddGrad               | BatSupMaxPoolBiasGrad   | BatSupMaxPoolGrad |
 * |                           |                | Conv2DBackpropFilter      | BatSupPooledConvFilterGrad |                |
 * |                           |                | Conv2DBackpropInput       | BatSupPooledConvInputGrad  |                |
 * |                           |                | BatchNormTrainingGrad     | BatSupBatchNormGrad     |                   |
 * | Add                       | sum            | ReluGrad                  | BatSupReluGradOfSum     | AddV2             |
 * | BatchMatMul, transposed a | weightGradient | ApplyAdamToAll            | BatSupDenseAdam         | MatMul            |
 * | ApplyAdamToAll of such a one | an Update      | _FusedMatMul by its weights | BatSupDenseAdamMultiply | BatSupDenseAdam |
 *
 * Why each may be fused:
 * - convBias: adding the bias to the maximum equals taking the maximum of the values with the bias added.
 * - maxPool: the operation keeps each maximum's index in its window; relu marks those that it sets to zero.
 * - batchNorm: the mean and variance are computed at once; only x and these are needed for its output, with the addition, the
 *   relu or the max-pooling that follow.
 * - reluGrad: these marks say what relu let pass, so that dy need not be masked before it is scattered. After a batch
 *   normalisation x says it as well.
 * - maxPoolGrad: scattered over zeros or not, dy has the same sum, and the same products with whatever it is multiplied by.
 * - sum: of two gradients that a relu lets pass in part.
 * - weightGradient: Adam computes the gradient's rows as it needs them; the gradient is neither written nor read.
 * - Update: it changes its tensors in place. It runs before any of them is read; the multiplication by the weights, in
 *   the next step's forward pass, takes it along, so that the weights pass through the cache once for both.
 *
 * The last two only for layers that the operations in kernels/mat_mul/native.cc are faster for.
 */
interface Patterns {
  convBias: { convolved: tf.TensorInfo; bias: tf.TensorInfo };
  maxPool: MaxPoolParts;
  /** Not deferred: the output of the relu that was fused with a max-pooling, given by its data id. */
  reluOfMaxPool: { maxPool: object };
  batchNorm: BatchNormParts;
  /** Not deferred: the mean of a batch. coefficients: of the normalisation by it (batch_norm/native.cc). */
  batchMean: { coefficients: tf.TensorInfo };
  sum: { a: tf.TensorInfo; b: tf.TensorInfo };
  reluGrad: { dy: tf.TensorInfo; y: tf.TensorInfo };
  /** window: the attribute of the operation (max_pool/native.cc). */
  maxPoolGrad: { dy: tf.TensorInfo; indices: tf.TensorInfo; window: number[] };
  weightGradient: { x: tf.TensorInfo; dy: tf.TensorInfo };
}

/** (x - mean) * slope + offset, plus `other` if there is one, and relu of that where `relu`. */
export interface BatchNormParts {
  x: tf.TensorInfo;
  coefficients: tf.TensorInfo;
  other?: tf.TensorInfo;
  relu: boolean;
}

interface MaxPoolParts {
  x: tf.TensorInfo;
  /** Runs the max-pooling, with or without a relu after it, and sets `ran`. */
  run(relu: boolean): OutputMetadata;
  /** From the last run: indices of the maxima in their windows, uint8; 255 where a fused relu set a maximum to zero. */
  ran?: { indices: tf.TensorInfo; relu: boolean };
}

type Pattern = keyof Patterns;

interface Entry {
  pattern: Pattern;
  parts: Patterns[Pattern];
  /** Makes the values and returns their handle's id; undefined once they are there. */
  compute: (() => number) | undefined;
  /** Data ids that are released with the tensor. */
  holds: object[];
}

/** By data id. */
const entries = new WeakMap<object, Entry>();

/** Changes tensors in place, later. */
interface Update {
  tensors: readonly tf.TensorInfo[];
  /** What the update reads besides. */
  inputs: readonly tf.TensorInfo[];
  /** @param more an operation that does more than the update: its further inputs and number of outputs. */
  run(more?: { operation: string; inputs: number[]; outputs: number }): OutputMetadata[];
}

/** By the data id of each tensor that it will change. */
const updates = new WeakMap<object, Update>();
const prepared = new WeakSet<NodeBackend>();

function isTensor(part: unknown): part is tf.TensorInfo {
  return typeof part === 'object' && part !== null && 'dataId' in part;
}

/**
 * A tensor whose values are computed when they are read, unless they are fused.
 * @param parts its tensors stay until the new tensor is disposed of.
 * @param compute makes the values; returns their handle's id.
 */
export function defer<P extends Pattern>(
  backend: NodeBackend,
  shape: number[],
  pattern: P,
  parts: Patterns[P],
  compute: () => number,
): tf.Tensor {
  if (!prepared.has(backend)) prepare(backend);
  const tensor = backend.createOutputTensor({ id: -1, shape, dtype: backend.binding.TF_FLOAT as number });
  const holds = Object.values(parts)
    .filter(isTensor)
    .map(({ dataId }) => dataId);
  for (const dataId of holds) backend.incRef(dataId);
  entries.set(tensor.dataId, { pattern, parts, compute, holds });
  return tensor;
}

/** Remembers what a tensor that is already computed was made of; nothing is kept for it. */
export function remember<P extends Pattern>(tensor: tf.TensorInfo, pattern: P, parts: Patterns[P]): void {
  entries.set(tensor.dataId, { pattern, parts, compute: undefined, holds: [] });
}

/** Hands `other` over to a deferred tensor, which keeps it until it is disposed of itself. */
export function keepWith(backend: NodeBackend, tensor: tf.TensorInfo, other: tf.Tensor): tf.TensorInfo {
  const { dataId, shape, dtype } = other;
  backend.incRef(dataId);
  entries.get(tensor.dataId)?.holds.push(dataId);
  other.dispose();
  return { dataId, shape, dtype };
}

/** What a tensor of this pattern is made of, computed or not; undefined for any other tensor. */
export function partsOf<P extends Pattern>(
  { dataId }: Pick<tf.TensorInfo, 'dataId'>,
  pattern: P,
): Patterns[P] | undefined {
  const entry = entries.get(dataId);
  return entry?.pattern === pattern ? (entry.parts as Patterns[P]) : undefined;
}

/** Leaves an update to whoever reads one of its tensors next. */
export function postpone(backend: NodeBackend, update: Update): void {
  if (!prepared.has(backend)) prepare(backend);
  for (const { dataId } of update.inputs) backend.incRef(dataId);
  for (const { dataId } of update.tensors) updates.set(dataId, update);
}

/** Runs the update that a tensor waits for and returns the outputs of `more`; undefined where it waits for none. */
export function runUpdate(
  backend: NodeBackend,
  dataId: object,
  more?: Parameters<Update['run']>[0],
): OutputMetadata[] | undefined {
  const update = forget(dataId);
  const outputs = update?.run(more);
  for (const input of update?.inputs ?? []) backend.disposeData(input.dataId);
  return outputs;
}

function forget(dataId: object): Update | undefined {
  const update = updates.get(dataId);
  for (const tensor of update?.tensors ?? []) updates.delete(tensor.dataId);
  return update;
}

function materialize(backend: NodeBackend, dataId: object): void {
  runUpdate(backend, dataId);
  const entry = entries.get(dataId);
  if (!entry?.compute) return;
  backend.tensorMap.get(dataId).id = entry.compute();
  entry.compute = undefined;
  if (!isSum(entry)) return;
  entries.delete(dataId);
  for (const held of entry.holds) backend.disposeData(held);
}

/** Whether nothing reads the parts once the values are there, so that they need not be kept for a gradient. */
function isSum({ pattern, parts }: Entry): boolean {
  return pattern === 'sum' || (pattern === 'batchNorm' && (parts as BatchNormParts).other !== undefined);
}

/** Hooks into the backend where it reads a tensor's values (two methods) and where it releases a tensor (one). */
function prepare(backend: NodeBackend): void {
  prepared.add(backend);
  const { getInputTensorIds, readSync, disposeData } = backend;
  backend.getInputTensorIds = (tensors) => {
    for (const { dataId } of tensors) materialize(backend, dataId);
    return getInputTensorIds.call(backend, tensors);
  };
  backend.readSync = (dataId) => {
    materialize(backend, dataId);
    return readSync.call(backend, dataId);
  };
  backend.disposeData = (dataId, force) => {
    const disposed = disposeData.call(backend, dataId, force);
    if (!disposed) return false;
    for (const held of entries.get(dataId)?.holds ?? []) backend.disposeData(held);
    entries.delete(dataId);
    for (const input of forget(dataId)?.inputs ?? []) backend.disposeData(input.dataId);
    return true;
  };
}
