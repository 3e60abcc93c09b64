import type { tf } from '../../../tensors/tf.ts';
import { type KernelContext, runInChunks, withScratch } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';

type Matrices = { a: tf.TensorInfo; b: tf.TensorInfo; bias?: tf.TensorInfo };

/** The kernel works on this many columns of b at a time. */
const columnsAtOnce = 8;

function isMatrix({ shape, dtype }: tf.TensorInfo): boolean {
  return shape.length === 2 && dtype === 'float32';
}

/** a [rows, inner] times b [inner, columns]; b is cut by columns. */
function multiply(context: KernelContext, { a, b, bias }: Matrices): tf.TensorInfo {
  const [rows, inner] = a.shape as [number, number];
  const columns = b.shape[1] as number;
  const output = context.backend.makeOutput([rows, columns], 'float32');
  // One strip of b per thread: memory is read in blocks wider than narrower strips.
  const chunks = Math.max(1, Math.min(context.threads.count, Math.floor(columns / columnsAtOnce)));
  withScratch(context, { sums: rows * columns }, ({ sums }) =>
    runInChunks(context, 'matMul', chunks, { a, b, bias, output, sums, rows, inner, columns }),
  );
  return output;
}

/** The transpose of a [inner, rows] times b [inner, columns]; the output is cut by rows. */
function multiplyTransposeA(context: KernelContext, { a, b }: Matrices): tf.TensorInfo {
  const [inner, rows] = a.shape as [number, number];
  const columns = b.shape[1] as number;
  const output = context.backend.makeOutput([rows, columns], 'float32');
  const chunks = context.threads.chunksFor(rows);
  withScratch(context, { scratch: inner * columns * chunks }, ({ scratch }) =>
    runInChunks(context, 'matMulTransposeA', chunks, { a, b, output, scratch, rows, inner, columns }),
  );
  return output;
}

/** a [rows, inner] times the transpose of b [columns, inner]; b is cut by its rows. */
function multiplyTransposeB(context: KernelContext, { a, b }: Matrices): tf.TensorInfo {
  const [rows, inner] = a.shape as [number, number];
  const columns = b.shape[0] as number;
  const output = context.backend.makeOutput([rows, columns], 'float32');
  const chunks = context.threads.chunksFor(columns);
  withScratch(context, { scratch: (inner + 8) * rows * chunks }, ({ scratch }) =>
    runInChunks(context, 'matMulTransposeB', chunks, { a, b, output, scratch, rows, inner, columns }),
  );
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
    if (transposeA) return multiplyTransposeA(context, matrices);
    return transposeB ? multiplyTransposeB(context, matrices) : multiply(context, matrices);
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
