import { tf } from '../../tensors/tf.ts';

/** A matrix as a batch of one: [rows, columns] -> [1, rows, columns]. */
const batched = (matrix: tf.TensorInfo): tf.TensorInfo => ({ ...matrix, shape: [1, ...matrix.shape] });

/**
 * Works around a bug of TensorFlow.js: its _FusedMatMul kernel for WebAssembly takes matrices for batches of matrices
 * and reads past their end. Call it before the backend starts.
 */
export function fixFusedMatMul(): void {
  const own = tf.getKernel('_FusedMatMul', 'wasm');
  if (!own) return;
  tf.unregisterKernel(own.kernelName, own.backendName);
  tf.registerKernel({
    ...own,
    kernelFunc(parameters) {
      const { a, b, ...rest } = parameters.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      const inputs = { ...rest, a: batched(a), b: batched(b) };
      const product = own.kernelFunc({ ...parameters, inputs }) as tf.TensorInfo;
      return { ...product, shape: product.shape.slice(1) };
    },
  });
}
