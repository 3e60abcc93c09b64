import type { tf } from '../../../tensors/tf.ts';
import { executeOnTensors, float32 } from '../../native/backend.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { product } from '../../native/product.ts';

/** a times b, plus bias. a [batch, inputs], b [inputs, outputs], bias [outputs] -> [batch, outputs] */
export const fusedMatMulPlain: OwnKernel = {
  name: '_FusedMatMul',
  run(backend, inputs, { transposeA, transposeB, activation }) {
    const { a, b, bias } = inputs as Record<'a' | 'b' | 'bias', tf.TensorInfo>;
    if (!bias || a.shape.length !== 2 || b.shape.length !== 2 || activation !== 'linear') return undefined;
    const transposed = { transpose_a: transposeA as boolean, transpose_b: transposeB as boolean };
    const factors = backend.getInputTensorIds([a, b]);
    const multiplied = backend.createOutputTensor(product(backend, 'MatMul', transposed, factors));
    const output = executeOnTensors(backend, 'BiasAdd', { T: float32, data_format: 'NHWC' }, [
      multiplied,
      bias,
    ]);
    multiplied.dispose();
    return output;
  },
};

export const batchMatMulPlain: OwnKernel = {
  name: 'BatchMatMul',
  run(backend, inputs, { transposeA, transposeB }) {
    const { a, b } = inputs as Record<'a' | 'b', tf.TensorInfo>;
    const adjoint = { adj_x: transposeA as boolean, adj_y: transposeB as boolean };
    const factors = backend.getInputTensorIds([a, b]);
    return backend.createOutputTensor(product(backend, 'BatchMatMulV2', adjoint, factors));
  },
};
