import type * as tf from '@tensorflow/tfjs-core';
import { execute, executeOnTensors, firstId, float32, type NodeBackend } from '../../native/backend.ts';
import { defer, runUpdate } from '../../native/deferred.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { fusedMatMulPlain } from './native_plain.ts';

/** Up to here a fully connected layer's time is that of reading its weights; beyond, TensorFlow multiplies faster. */
const mostRows = 32;
/** The same for learning, where the gradient is neither written nor read. */
const mostRowsLearning = 64;
/** kTileOutputs of operations/dense.cc. */
const tileOutputs = 32;

/** @param weights [inputs, outputs] */
function isOurs(batch: number, weights: number[], most = mostRows): boolean {
  const [inputs = 0, outputs = 0] = weights.slice(-2);
  return batch <= most && outputs % tileOutputs === 0 && inputs * outputs >= 1 << 16;
}

function multiply(backend: NodeBackend, a: tf.TensorInfo, b: tf.TensorInfo): tf.Tensor {
  if (isOurs(a.shape[0] as number, b.shape)) {
    // Weights that are still to be updated are read once for both.
    const inputs = backend.getInputTensorIds([a]);
    const more = { operation: 'BatSupDenseAdamMultiply', inputs, outputs: 1 };
    const [product] = runUpdate(backend, b.dataId, more) ?? [];
    return product
      ? backend.createOutputTensor(product)
      : executeOnTensors(backend, 'BatSupDense', {}, [a, b]);
  }
  return executeOnTensors(backend, 'MatMul', { T: float32, transpose_a: false, transpose_b: false }, [a, b]);
}

/** a times b, plus bias. a [batch, inputs], b [inputs, outputs], bias [outputs] -> [batch, outputs] */
export const fusedMatMul: OwnKernel = {
  name: '_FusedMatMul',
  needs: 'operations',
  run(backend, inputs, attributes) {
    const { a, b, bias } = inputs as Record<'a' | 'b' | 'bias', tf.TensorInfo>;
    if (!bias || a.shape.length !== 2 || attributes.transposeA || attributes.transposeB)
      return fusedMatMulPlain.run(backend, inputs, attributes);
    if (attributes.activation !== 'linear') return undefined;
    const product = multiply(backend, a, b);
    const output = executeOnTensors(backend, 'BiasAdd', { T: float32, data_format: 'NHWC' }, [product, bias]);
    product.dispose();
    return output;
  },
};

/** x [batch, inputs], dy [batch, outputs] -> the transposed x times dy [inputs, outputs], not multiplied yet. */
function productOf(backend: NodeBackend, x: tf.TensorInfo, dy: tf.TensorInfo): tf.Tensor {
  const shape = [x.shape[1] as number, dy.shape[1] as number];
  return defer(backend, shape, { kind: 'product', inputs: [x, dy] }, () => {
    const attributes = { T: float32, transpose_a: true, transpose_b: false };
    return firstId(execute(backend, 'MatMul', attributes, backend.getInputTensorIds([x, dy])));
  });
}

/** A fully connected layer's gradients, as engine/gradients.ts asks for them: dy times b, or a times dy. */
export const batchMatMul: OwnKernel = {
  name: 'BatchMatMul',
  needs: 'operations',
  run(backend, inputs, attributes) {
    const { a, b } = inputs as Record<'a' | 'b', tf.TensorInfo>;
    const { transposeA, transposeB } = attributes as Record<string, boolean>;
    const matrices = a.shape.length === 2 && b.shape.length === 2;
    if (matrices && transposeB && !transposeA && isOurs(a.shape[0] as number, b.shape))
      return executeOnTensors(backend, 'BatSupDenseBack', {}, [a, b]);
    const product = [a.shape.at(-1) as number, b.shape.at(-1) as number];
    if (matrices && transposeA && !transposeB && isOurs(a.shape[0] as number, product, mostRowsLearning))
      return productOf(backend, a, b);
    const adjoint = { adj_x: transposeA as boolean, adj_y: transposeB as boolean };
    return executeOnTensors(backend, 'BatchMatMulV2', { T: float32, ...adjoint }, [a, b]);
  },
};
