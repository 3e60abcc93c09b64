import * as tf from '@tensorflow/tfjs-core';
import type { NodeBackend } from '../../src/engine/native/backend.ts';

/** One execution of an operation. */
export interface Execution {
  operation: string;
  /** Shapes; that of an operation's argument other than a tensor is []. */
  inputs: number[][];
  outputs: number[][];
  milliseconds: number;
}

/** Calls `onExecution` for each operation that TensorFlow executes from now on. For CPUs only: a GPU's are queued. */
export function timeNativeOperations(onExecution: (execution: Execution) => void): void {
  const backend = tf.backend() as unknown as NodeBackend;
  const { binding, tensorMap } = backend;
  const shapes = new Map<number, number[]>();
  const original = backend.getInputTensorIds;
  backend.getInputTensorIds = (tensors) => {
    const ids = original.call(backend, tensors);
    for (const [index, { dataId }] of tensors.entries())
      shapes.set(ids[index] as number, tensorMap.get(dataId).shape);
    return ids;
  };
  const executeOp: typeof binding.executeOp = (operation, attributes, ids, outputs) => {
    const inputs = ids.map((id) => shapes.get(id) ?? []);
    const before = performance.now();
    const results = binding.executeOp(operation, attributes, ids, outputs);
    const milliseconds = performance.now() - before;
    for (const { id, shape } of results) shapes.set(id, shape);
    onExecution({ operation, inputs, outputs: results.map(({ shape }) => shape), milliseconds });
    return results;
  };
  backend.binding = Object.create(binding, { executeOp: { value: executeOp } });
}

/** Calls `onExecution` for each kernel that the WebAssembly engine runs from now on. */
export function timeWasmKernels(onExecution: (execution: Execution) => void): void {
  for (const kernel of tf.getKernelsForBackend('wasm')) {
    const { kernelName, kernelFunc } = kernel;
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({
      ...kernel,
      kernelFunc(call) {
        const before = performance.now();
        const results = kernelFunc(call);
        const milliseconds = performance.now() - before;
        const inputs = Object.values(call.inputs as tf.NamedTensorInfoMap).map((input) => input?.shape ?? []);
        const outputs = [results].flat().map(({ shape }) => shape);
        onExecution({ operation: kernelName, inputs, outputs, milliseconds });
        return results;
      },
    });
  }
}
