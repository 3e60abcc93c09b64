import * as tf from '@tensorflow/tfjs-core';

/** A matrix as a batch of one. */
const batched = (matrix: tf.TensorInfo): tf.TensorInfo => ({ ...matrix, shape: [1, ...matrix.shape] });

/**
 * TensorFlow.js's own kernel for WebAssembly takes matrices [rows, columns] for batches of them, and reads beyond their
 * end. To be called before the backend starts.
 */
export function mendFusedMatMul(): void {
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
