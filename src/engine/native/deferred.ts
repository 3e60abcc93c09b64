import type * as tf from '@tensorflow/tfjs-core';
import type { NodeBackend, OutputMetadata } from './backend.ts';

/**
 * Tensors whose values are computed when somebody asks for them. A kernel that can do without them works on what they
 * would be made of instead: Adam on the two factors of a weight gradient, max-pooling on a convolution without bias.
 * In the same way an update in place can wait for the next reader, who may do both in one pass over memory.
 */

interface Deferred {
  /** What the values would be. */
  kind: 'product' | 'biased' | 'pooled' | 'masked' | 'scattered';
  inputs: readonly tf.TensorInfo[];
}

interface Entry extends Deferred {
  compute: (() => number) | undefined;
  /** Data ids that are let go with the tensor. */
  holds: object[];
}

const deferred = new WeakMap<object, Entry>();
/** Changes tensors in place. */
interface Update {
  tensors: readonly tf.TensorInfo[];
  /** What the update reads besides. */
  inputs: readonly tf.TensorInfo[];
  /** @param more what an operation that does more than the update reads and gives. */
  run(more?: { operation: string; inputs: number[]; outputs: number }): OutputMetadata[];
}

const updates = new WeakMap<object, Update>();
const prepared = new WeakSet<NodeBackend>();

/**
 * @param compute makes the values; returns their handle's id.
 * @returns a tensor that keeps its inputs until it is disposed of itself.
 */
export function defer(
  backend: NodeBackend,
  shape: number[],
  { kind, inputs }: Deferred,
  compute: () => number,
): tf.Tensor {
  if (!prepared.has(backend)) prepare(backend);
  const tensor = backend.createOutputTensor({ id: -1, shape, dtype: backend.binding.TF_FLOAT as number });
  const holds = inputs.map(({ dataId }) => dataId);
  for (const dataId of holds) backend.incRef(dataId);
  deferred.set(tensor.dataId, { kind, inputs, compute, holds });
  return tensor;
}

/** Hands `other` over to a deferred tensor: it lives as long as that does. */
export function keepWith(backend: NodeBackend, tensor: tf.TensorInfo, other: tf.Tensor): tf.TensorInfo {
  const { dataId, shape, dtype } = other;
  backend.incRef(dataId);
  deferred.get(tensor.dataId)?.holds.push(dataId);
  other.dispose();
  return { dataId, shape, dtype };
}

/** What a tensor of this kind is made of; undefined for any other tensor. */
export function inputsOf(
  tensor: tf.TensorInfo,
  kind: Deferred['kind'],
): readonly tf.TensorInfo[] | undefined {
  const found = deferred.get(tensor.dataId);
  return found?.kind === kind ? found.inputs : undefined;
}

/** Leaves an update to whoever reads one of its tensors next. */
export function postpone(backend: NodeBackend, update: Update): void {
  if (!prepared.has(backend)) prepare(backend);
  for (const { dataId } of update.inputs) backend.incRef(dataId);
  for (const { dataId } of update.tensors) updates.set(dataId, update);
}

/** Runs the update that a tensor waits for; see {@link Update}. Undefined where it waits for none. */
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
  const found = deferred.get(dataId);
  if (!found?.compute) return;
  backend.tensorMap.get(dataId).id = found.compute();
  found.compute = undefined;
}

/** The backend asks for a tensor's values in two places, and lets go of a tensor in one. */
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
    for (const held of deferred.get(dataId)?.holds ?? []) backend.disposeData(held);
    deferred.delete(dataId);
    for (const input of forget(dataId)?.inputs ?? []) backend.disposeData(input.dataId);
    return true;
  };
}
