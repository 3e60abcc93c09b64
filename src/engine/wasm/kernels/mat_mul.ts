import type * as tf from '@tensorflow/tfjs-core';
import { addressOf, type KernelContext } from '../engine_memory.ts';
import { kernelNumbers } from '../kernel_numbers.ts';
import type { OwnKernel } from './index.ts';

type Matrices = { a: tf.TensorInfo; b: tf.TensorInfo; bias?: tf.TensorInfo };

/** The kernel cuts b into groups of so many columns. */
const columnsAtOnce = 8;

function isMatrix({ shape, dtype }: tf.TensorInfo): boolean {
  return shape.length === 2 && dtype === 'float32';
}

/** a [rows, inner] times b [inner, columns]; b is cut by columns. */
function multiply(context: KernelContext, { a, b, bias }: Matrices): tf.TensorInfo {
  const [rows, inner] = a.shape as [number, number];
  const columns = b.shape[1] as number;
  const output = context.backend.makeOutput([rows, columns], 'float32');
  context.threads.run(kernelNumbers.matMul, Math.floor(columns / columnsAtOnce), (chunks) => [
    addressOf(context, a),
    addressOf(context, b),
    bias ? addressOf(context, bias) : 0,
    addressOf(context, output),
    chunks,
    rows,
    inner,
    columns,
  ]);
  return output;
}

/** Either a [inner, rows] or b [columns, inner] transposed; the output is cut by the longer side. */
function multiplyTransposed(
  context: KernelContext,
  { a, b }: Matrices,
  transposed: 'a' | 'b',
): tf.TensorInfo {
  const [rows, inner] = (transposed === 'a' ? [a.shape[1], a.shape[0]] : a.shape) as [number, number];
  const columns = (transposed === 'a' ? b.shape[1] : b.shape[0]) as number;
  const output = context.backend.makeOutput([rows, columns], 'float32');
  const kernel = transposed === 'a' ? kernelNumbers.matMulTransposeA : kernelNumbers.matMulTransposeB;
  context.threads.run(kernel, transposed === 'a' ? rows : columns, (chunks) => [
    ...[a, b, output].map((tensor) => addressOf(context, tensor)),
    chunks,
    rows,
    inner,
    columns,
  ]);
  return output;
}

export const batchMatMul: OwnKernel = {
  name: 'BatchMatMul',
  accepts(inputs, { transposeA, transposeB }) {
    const { a, b } = inputs as unknown as Matrices;
    return isMatrix(a) && isMatrix(b) && !(transposeA && transposeB);
  },
  run(context, inputs, { transposeA, transposeB }) {
    const matrices = inputs as unknown as Matrices;
    if (transposeA) return multiplyTransposed(context, matrices, 'a');
    return transposeB ? multiplyTransposed(context, matrices, 'b') : multiply(context, matrices);
  },
};

export const fusedMatMul: OwnKernel = {
  name: '_FusedMatMul',
  accepts(inputs, { transposeA, transposeB, activation }) {
    const { a, b } = inputs as unknown as Matrices;
    const plain = !transposeA && !transposeB && (activation === 'linear' || activation == null);
    return plain && isMatrix(a) && isMatrix(b);
  },
  run: (context, inputs) => multiply(context, inputs as unknown as Matrices),
};
