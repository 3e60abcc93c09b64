import type * as tf from '@tensorflow/tfjs-core';
import { execute, float32, type NodeBackend } from './backend.ts';

/**
 * The gradient of a fully connected layer's weights is the product of two thin matrices, x and dy. It stays these
 * two until somebody asks for its values: Adam does not, and saves writing and reading all of it.
 */

type Factors = [x: tf.TensorInfo, dy: tf.TensorInfo];

const factored = new WeakMap<object, Factors>();
const prepared = new WeakSet<NodeBackend>();

/** x [batch, inputs] and dy [batch, outputs] of a gradient [inputs, outputs] that is not multiplied out. */
export function factorsOf(gradient: tf.TensorInfo): Factors | undefined {
  return factored.get(gradient.dataId);
}

/** x [batch, inputs], dy [batch, outputs] -> the transposed x times dy [inputs, outputs], not multiplied yet. */
export function productOf(backend: NodeBackend, x: tf.TensorInfo, dy: tf.TensorInfo): tf.Tensor {
  if (!prepared.has(backend)) prepare(backend);
  const shape = [x.shape[1] as number, dy.shape[1] as number];
  const product = backend.createOutputTensor({ id: -1, shape, dtype: backend.binding.TF_FLOAT as number });
  for (const { dataId } of [x, dy]) backend.incRef(dataId);
  factored.set(product.dataId, [x, dy]);
  return product;
}

function release(backend: NodeBackend, dataId: object): void {
  for (const factor of factored.get(dataId) ?? []) backend.disposeData(factor.dataId);
  factored.delete(dataId);
}

function multiplyOut(backend: NodeBackend, dataId: object): void {
  const factors = factored.get(dataId);
  if (!factors) return;
  const ids = backend.getInputTensorIds(factors);
  const attributes = { T: float32, transpose_a: true, transpose_b: false };
  const [product] = execute(backend, 'MatMul', attributes, ids);
  backend.tensorMap.get(dataId).id = product?.id as number;
  release(backend, dataId);
}

/** The backend asks for a tensor's values in two places, and lets go of a tensor in one. */
function prepare(backend: NodeBackend): void {
  prepared.add(backend);
  const { getInputTensorIds, readSync, disposeData } = backend;
  backend.getInputTensorIds = (tensors) => {
    for (const { dataId } of tensors) multiplyOut(backend, dataId);
    return getInputTensorIds.call(backend, tensors);
  };
  backend.readSync = (dataId) => {
    multiplyOut(backend, dataId);
    return readSync.call(backend, dataId);
  };
  backend.disposeData = (dataId, force) => {
    const disposed = disposeData.call(backend, dataId, force);
    if (disposed) release(backend, dataId);
    return disposed;
  };
}
