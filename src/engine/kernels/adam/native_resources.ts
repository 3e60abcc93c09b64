import type { tf } from '../../../tensors/tf.ts';
import { execute, float32, type NodeBackend } from '../../native/backend.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { type AdamAttributes, applyAdamKernel } from './operation.ts';

/** TensorFlow's name for a resource that lives as long as its handle (kAnonymousName in resource_handle.h). */
const anonymous = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

/** The resource variables that hold the values of tensors updated in place: ids of handles by data id. */
const resources = new WeakMap<object, number>();

function createResource(backend: NodeBackend, { dataId, shape }: tf.TensorInfo): number {
  const attributes = { dtype: float32, shape: { shape }, shared_name: anonymous };
  const [handle] = execute(backend, 'VarHandleOp', attributes, []);
  const resource = handle?.id as number;
  resources.set(dataId, resource);
  return resource;
}

/** Frees each resource together with its tensor. */
function freeWithTensors(backend: NodeBackend): void {
  const theirs = backend.disposeData.bind(backend);
  backend.disposeData = (dataId, force) => {
    const disposed = theirs(dataId, force);
    const resource = resources.get(dataId);
    if (resource !== undefined && !backend.tensorMap.has(dataId)) {
      resources.delete(dataId);
      backend.binding.deleteTensor(resource);
    }
    return disposed;
  };
}

const prepared = new WeakSet<NodeBackend>();

/**
 * Hands a tensor's values over to its resource. ResourceApplyAdam updates in place only where nothing else refers to
 * them, so the tensor has no handle until readBack.
 */
function handOver(backend: NodeBackend, tensor: tf.TensorInfo): number {
  const [id] = backend.getInputTensorIds([tensor]) as [number];
  const known = resources.get(tensor.dataId);
  const resource = known ?? createResource(backend, tensor);
  if (known === undefined) execute(backend, 'AssignVariableOp', { dtype: float32 }, [resource, id], 0);
  backend.binding.deleteTensor(id);
  return resource;
}

function readBack(backend: NodeBackend, tensor: tf.TensorInfo, resource: number): void {
  const [read] = execute(backend, 'ReadVariableOp', { dtype: float32 }, [resource]);
  backend.tensorMap.get(tensor.dataId).id = read?.id as number;
}

function scalar(backend: NodeBackend, value: number): number {
  return backend.binding.createTensor([], backend.binding.TF_FLOAT as number, Float32Array.of(value));
}

export const applyAdamToResources: OwnKernel = {
  name: applyAdamKernel,
  run(backend, inputs, attributes) {
    if (!prepared.has(backend)) freeWithTensors(backend);
    prepared.add(backend);
    const { stepSize, beta1, beta2, epsilon } = attributes as unknown as AdamAttributes;
    const tensors = [inputs.variable, inputs.m, inputs.v] as tf.TensorInfo[];
    const gradient = backend.getInputTensorIds([inputs.gradient as tf.TensorInfo]);
    const handles = tensors.map((tensor) => handOver(backend, tensor));
    // beta1^t and beta2^t are given as 0, which makes TensorFlow's bias correction 1: stepSize is corrected already.
    const scalars = [0, 0, stepSize, beta1, beta2, epsilon].map((value) => scalar(backend, value));
    const all = [...handles, ...scalars, ...gradient];
    execute(backend, 'ResourceApplyAdam', { T: float32, use_locking: false, use_nesterov: false }, all, 0);
    for (const [index, tensor] of tensors.entries()) readBack(backend, tensor, handles[index] as number);
    for (const id of scalars) backend.binding.deleteTensor(id);
    return [];
  },
};
