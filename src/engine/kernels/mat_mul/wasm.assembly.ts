import { chunkStart } from '../../wasm/assembly/chunks';
import { multiplyAdd } from '../../wasm/assembly/multiply_add';

/**
 * a [rows, inner] times b [inner, columns], plus bias [columns] (address 0: none).
 * b is large and is read once, four rows at a time. The sums are kept in blocks of eight columns, [columns / 8, rows, 8],
 * since rows of the output that lie 4096 bytes apart would evict each other from the cache.
 */
export function matMul(
  chunk: i32,
  chunks: i32,
  a: usize,
  b: usize,
  bias: usize,
  output: usize,
  sums: usize,
  rows: i32,
  inner: i32,
  columns: i32,
): void {
  if (chunk == chunks - 1 && (columns & 7) != 0) multiplyRemainder(a, b, bias, output, rows, inner, columns);
  const first = chunkStart(columns >> 3, chunks, chunk);
  const last = chunkStart(columns >> 3, chunks, chunk + 1);
  const blockBytes = <usize>rows << 5;
  const aBytes = <usize>inner << 2;
  const rowBytes = <usize>columns << 2;
  memory.fill(sums + <usize>first * blockBytes, 0, <usize>(last - first) * blockBytes);

  let k = 0;
  for (; k + 4 <= inner; k += 4)
    addFourRows(a + (<usize>k << 2), b + <usize>k * rowBytes, sums, rows, aBytes, rowBytes, first, last);
  for (; k < inner; k++)
    addRow(a + (<usize>k << 2), b + <usize>k * rowBytes, sums, rows, aBytes, first, last);

  for (let block = first; block < last; block++) {
    const column = <usize>block << 5;
    const low = bias ? v128.load(bias + column) : f32x4.splat(0);
    const high = bias ? v128.load(bias + column, 16) : f32x4.splat(0);
    for (let row = 0; row < rows; row++) {
      const sum = sums + <usize>block * blockBytes + (<usize>row << 5);
      const target = output + <usize>row * rowBytes + column;
      v128.store(target, f32x4.add(v128.load(sum), low));
      v128.store(target, f32x4.add(v128.load(sum, 16), high), 16);
    }
  }
}

/** Adds four rows of b, each times its factors in a, to the sums of the blocks from first to last. */
function addFourRows(
  a: usize,
  b: usize,
  sums: usize,
  rows: i32,
  aBytes: usize,
  rowBytes: usize,
  first: i32,
  last: i32,
): void {
  let sum = sums + <usize>first * (<usize>rows << 5);
  for (let block = first; block < last; block++) {
    let from = b + (<usize>block << 5);
    const p0 = v128.load(from);
    const q0 = v128.load(from, 16);
    from += rowBytes;
    const p1 = v128.load(from);
    const q1 = v128.load(from, 16);
    from += rowBytes;
    const p2 = v128.load(from);
    const q2 = v128.load(from, 16);
    from += rowBytes;
    const p3 = v128.load(from);
    const q3 = v128.load(from, 16);
    let factors = a;
    for (let row = 0; row < rows; row++) {
      let factor = v128.load32_splat(factors);
      let low = multiplyAdd(factor, p0, v128.load(sum));
      let high = multiplyAdd(factor, q0, v128.load(sum, 16));
      factor = v128.load32_splat(factors, 4);
      low = multiplyAdd(factor, p1, low);
      high = multiplyAdd(factor, q1, high);
      factor = v128.load32_splat(factors, 8);
      low = multiplyAdd(factor, p2, low);
      high = multiplyAdd(factor, q2, high);
      factor = v128.load32_splat(factors, 12);
      low = multiplyAdd(factor, p3, low);
      high = multiplyAdd(factor, q3, high);
      v128.store(sum, low);
      v128.store(sum, high, 16);
      factors += aBytes;
      sum += 32;
    }
  }
}

/** The same with one row of b. */
function addRow(a: usize, b: usize, sums: usize, rows: i32, aBytes: usize, first: i32, last: i32): void {
  let sum = sums + <usize>first * (<usize>rows << 5);
  for (let block = first; block < last; block++) {
    const p = v128.load(b + (<usize>block << 5));
    const q = v128.load(b + (<usize>block << 5), 16);
    let factors = a;
    for (let row = 0; row < rows; row++) {
      const factor = v128.load32_splat(factors);
      v128.store(sum, multiplyAdd(factor, p, v128.load(sum)));
      v128.store(sum, multiplyAdd(factor, q, v128.load(sum, 16)), 16);
      factors += aBytes;
      sum += 32;
    }
  }
}

/** The columns beyond the last whole block of eight. */
function multiplyRemainder(a: usize, b: usize, bias: usize, output: usize, rows: i32, inner: i32, columns: i32): void {
  for (let row = 0; row < rows; row++) {
    for (let column = columns & ~7; column < columns; column++) {
      let sum: f32 = bias ? load<f32>(bias + (column << 2)) : 0;
      for (let k = 0; k < inner; k++) {
        sum += load<f32>(a + (<usize>(row * inner + k) << 2)) * load<f32>(b + (<usize>(k * columns + column) << 2));
      }
      store<f32>(output + (<usize>(row * columns + column) << 2), sum);
    }
  }
}
