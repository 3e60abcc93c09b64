import type { tf } from '../../../tensors/tf.ts';
import { execute, executeOnTensors, firstId, float32, type NodeBackend } from '../../native/backend.ts';
import { defer, runUpdate } from '../../native/fusion.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { fusedMatMulPlain } from './native_plain.ts';

/** Up to this batch size reading the weights takes most of the time, and ours is faster; beyond, TensorFlow is. */
const maxRows = 32;
/** The same for the weights' gradient, which ours neither writes nor reads. */
const maxRowsOfGradient = 64;
/** kTileOutputs of native.cc. */
const tileOutputs = 32;

/** @param weights [inputs, outputs] */
function isOurs(batch: number, weights: number[], max = maxRows): boolean {
  const [inputs = 0, outputs = 0] = weights.slice(-2);
  return batch <= max && outputs % tileOutputs === 0 && inputs * outputs >= 1 << 16;
}

function multiply(backend: NodeBackend, a: tf.TensorInfo, b: tf.TensorInfo): tf.Tensor {
  if (isOurs(a.shape[0] as number, b.shape)) {
    // Weights whose update is postponed are updated in the same pass (native/fusion.ts).
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

/** x [batch, inputs], dy [batch, outputs] -> the transpose of x times dy [inputs, outputs], deferred (native/fusion.ts). */
function weightGradient(backend: NodeBackend, x: tf.TensorInfo, dy: tf.TensorInfo): tf.Tensor {
  const shape = [x.shape[1] as number, dy.shape[1] as number];
  return defer(backend, shape, 'weightGradient', { x, dy }, () => {
    const attributes = { T: float32, transpose_a: true, transpose_b: false };
    return firstId(execute(backend, 'MatMul', attributes, backend.getInputTensorIds([x, dy])));
  });
}

/** The gradients of a fully connected layer, as gradient.ts asks for them: dy times b, or a times dy. */
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
    if (matrices && transposeA && !transposeB && isOurs(a.shape[0] as number, product, maxRowsOfGradient))
      return weightGradient(backend, a, b);
    const adjoint = { adj_x: transposeA as boolean, adj_y: transposeB as boolean };
    return executeOnTensors(backend, 'BatchMatMulV2', { T: float32, ...adjoint }, [a, b]);
  },
};
