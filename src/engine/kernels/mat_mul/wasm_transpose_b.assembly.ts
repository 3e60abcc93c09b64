import { chunkStart } from '../../wasm/assembly/chunks';
import { multiplyAdd } from '../../wasm/assembly/multiply_add';

/**
 * a [rows, inner] times the transpose of b [columns, inner]: the gradient of a fully connected layer's input, where b are
 * its weights, read once. Five rows of a by two of b are summed in registers, four partial sums each, which are added at
 * the end. Each chunk first copies a, four numbers of all rows side by side, [inner / 4, rows, 4], into a part of `scratch`
 * of its own: rows that lie 4096 bytes apart would evict each other from the cache. The sums of two columns follow.
 */
export function matMulTransposeB(
  chunk: i32,
  chunks: i32,
  a: usize,
  b: usize,
  output: usize,
  scratch: usize,
  rows: i32,
  inner: i32,
  columns: i32,
): void {
  const innerBytes = <usize>inner << 2;
  const vectorBytes = <usize>(inner & ~3) << 2;
  const step = <usize>rows << 4;
  const own = scratch + <usize>(chunk * rows) * (vectorBytes + 32);
  const sums = own + <usize>rows * vectorBytes;
  for (let row = 0; row < rows; row++) {
    const from = a + <usize>row * innerBytes;
    let to = own + (<usize>row << 4);
    for (let k: usize = 0; k < vectorBytes; k += 16) {
      v128.store(to, v128.load(from + k));
      to += step;
    }
  }
  const last = chunkStart(columns, chunks, chunk + 1);
  for (let column = chunkStart(columns, chunks, chunk); column < last; column += 2) {
    // Beyond the last column, that one is computed again.
    const other = min(column + 1, last - 1);
    const b0 = b + <usize>column * innerBytes;
    const b1 = b + <usize>other * innerBytes;
    let row = 0;
    for (; row + 5 <= rows; row += 5)
      multiplyFiveRows(own + (<usize>row << 4), step, b0, b1, vectorBytes, sums + (<usize>row << 5));
    for (; row < rows; row++)
      multiplyOneRow(own + (<usize>row << 4), step, b0, b1, vectorBytes, sums + (<usize>row << 5));
    for (row = 0; row < rows; row++) {
      const r = a + <usize>row * innerBytes;
      const sum = sums + (<usize>row << 5);
      const to = output + (<usize>(row * columns) << 2);
      store<f32>(to + (<usize>column << 2), horizontalSum(sum) + remainder(r, b0, vectorBytes, innerBytes));
      store<f32>(to + (<usize>other << 2), horizontalSum(sum + 16) + remainder(r, b1, vectorBytes, innerBytes));
    }
  }
}

/** `bytes` of five rows of the copy, `step` bytes apart, times two rows of b -> sums [5, 2, 4]. Exported: see index.ts. */
export function multiplyFiveRows(x: usize, step: usize, b0: usize, b1: usize, bytes: usize, sums: usize): void {
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0);
  let s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0);
  let s31 = f32x4.splat(0);
  let s40 = f32x4.splat(0);
  let s41 = f32x4.splat(0);
  for (const end = b0 + bytes; b0 < end; b0 += 16) {
    const p = v128.load(b0);
    const q = v128.load(b1);
    b1 += 16;
    let v = v128.load(x);
    s00 = multiplyAdd(v, p, s00);
    s01 = multiplyAdd(v, q, s01);
    v = v128.load(x, 16);
    s10 = multiplyAdd(v, p, s10);
    s11 = multiplyAdd(v, q, s11);
    v = v128.load(x, 32);
    s20 = multiplyAdd(v, p, s20);
    s21 = multiplyAdd(v, q, s21);
    v = v128.load(x, 48);
    s30 = multiplyAdd(v, p, s30);
    s31 = multiplyAdd(v, q, s31);
    v = v128.load(x, 64);
    s40 = multiplyAdd(v, p, s40);
    s41 = multiplyAdd(v, q, s41);
    x += step;
  }
  v128.store(sums, s00);
  v128.store(sums, s01, 16);
  v128.store(sums, s10, 32);
  v128.store(sums, s11, 48);
  v128.store(sums, s20, 64);
  v128.store(sums, s21, 80);
  v128.store(sums, s30, 96);
  v128.store(sums, s31, 112);
  v128.store(sums, s40, 128);
  v128.store(sums, s41, 144);
}

/** The same for one row. */
export function multiplyOneRow(x: usize, step: usize, b0: usize, b1: usize, bytes: usize, sums: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  for (const end = b0 + bytes; b0 < end; b0 += 16) {
    const v = v128.load(x);
    s0 = multiplyAdd(v, v128.load(b0), s0);
    s1 = multiplyAdd(v, v128.load(b1), s1);
    b1 += 16;
    x += step;
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
}

// @ts-ignore: decorator
@inline
function horizontalSum(address: usize): f32 {
  const sums = v128.load(address);
  return (
    f32x4.extract_lane(sums, 0) +
    f32x4.extract_lane(sums, 1) +
    (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3))
  );
}

/** The products beyond the last whole vector of four. */
// @ts-ignore: decorator
@inline
function remainder(p: usize, q: usize, from: usize, to: usize): f32 {
  let sum: f32 = 0;
  for (let k = from; k < to; k += 4) sum += load<f32>(p + k) * load<f32>(q + k);
  return sum;
}
