/** Scalar products of rows, and the pivoted Cholesky factor of their Gram matrix. Everything is float64. */

import { max, min } from './rows';

// @ts-ignore: decorator
@inline
function sumOf(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/** Scalar product of two rows. */
function dot(a: usize, b: usize, length: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const bytes = <usize>length << 3;
  const whole = bytes & ~63;
  let at: usize = 0;
  for (; at < whole; at += 64) {
    s0 = f64x2.add(s0, f64x2.mul(v128.load(a + at), v128.load(b + at)));
    s1 = f64x2.add(s1, f64x2.mul(v128.load(a + at, 16), v128.load(b + at, 16)));
    s2 = f64x2.add(s2, f64x2.mul(v128.load(a + at, 32), v128.load(b + at, 32)));
    s3 = f64x2.add(s3, f64x2.mul(v128.load(a + at, 48), v128.load(b + at, 48)));
  }
  let sum = sumOf(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3)));
  for (; at < bytes; at += 8) sum += load<f64>(a + at) * load<f64>(b + at);
  return sum;
}

/** Scalar products of two rows with four others. */
function dots(a0: usize, a1: usize, b: usize, bytes: usize, to0: usize, to1: usize): void {
  let s00 = f64x2.splat(0);
  let s01 = s00;
  let s02 = s00;
  let s03 = s00;
  let s10 = s00;
  let s11 = s00;
  let s12 = s00;
  let s13 = s00;
  const b1 = b + bytes;
  const b2 = b1 + bytes;
  const b3 = b2 + bytes;
  for (let at: usize = 0; at < bytes; at += 16) {
    const x0 = v128.load(a0 + at);
    const x1 = v128.load(a1 + at);
    let y = v128.load(b + at);
    s00 = f64x2.add(s00, f64x2.mul(x0, y));
    s10 = f64x2.add(s10, f64x2.mul(x1, y));
    y = v128.load(b1 + at);
    s01 = f64x2.add(s01, f64x2.mul(x0, y));
    s11 = f64x2.add(s11, f64x2.mul(x1, y));
    y = v128.load(b2 + at);
    s02 = f64x2.add(s02, f64x2.mul(x0, y));
    s12 = f64x2.add(s12, f64x2.mul(x1, y));
    y = v128.load(b3 + at);
    s03 = f64x2.add(s03, f64x2.mul(x0, y));
    s13 = f64x2.add(s13, f64x2.mul(x1, y));
  }
  store<f64>(to0, sumOf(s00));
  store<f64>(to0, sumOf(s01), 8);
  store<f64>(to0, sumOf(s02), 16);
  store<f64>(to0, sumOf(s03), 24);
  store<f64>(to1, sumOf(s10));
  store<f64>(to1, sumOf(s11), 8);
  store<f64>(to1, sumOf(s12), 16);
  store<f64>(to1, sumOf(s13), 24);
}

/**
 * The lower triangle of the Gram matrix of rows, float64 [count, count]: entries above the diagonal are left as they
 * happen to be. `count` is a multiple of four and `width` of two; pad with zeros.
 */
export function gram(features: usize, count: i32, width: i32, to: usize): void {
  const bytes = <usize>width << 3;
  const rowBytes = <usize>count << 3;
  for (let other = 0; other < count; other += 4) {
    const b = features + <usize>other * bytes;
    for (let row = other; row < count; row += 2) {
      const a = features + <usize>row * bytes;
      const at = to + <usize>row * rowBytes + (<usize>other << 3);
      dots(a, a + bytes, b, bytes, at, at + rowBytes);
    }
  }
}

/**
 * Cholesky factor L of a Gram matrix K, with pivots: L L^T = K within `tolerance` on the diagonal. Row t of the pivots
 * has t + 1 entries, all other rows have as many as the rank.
 * @param kernel lower triangle of K, float64 [stride, stride], of which `count` rows matter.
 * @param factor float64 [count, width], set to zero before; `width` is at least the rank.
 * @param diagonal room for float64 [count].
 * @param pivots int32 [count], the row of each column.
 * @param lengths int32 [count], the entries of each row.
 * @returns the rank.
 */
export function cholesky(
  kernel: usize,
  stride: i32,
  count: i32,
  factor: usize,
  width: i32,
  diagonal: usize,
  pivots: usize,
  lengths: usize,
  tolerance: f64,
): i32 {
  const kernelBytes = <usize>stride << 3;
  const rowBytes = <usize>width << 3;
  for (let i = 0; i < count; i++) {
    store<f64>(diagonal + (<usize>i << 3), load<f64>(kernel + <usize>i * kernelBytes + (<usize>i << 3)));
    store<i32>(lengths + (<usize>i << 2), -1);
  }
  let rank = 0;
  for (; rank < min(count, width); rank++) {
    let pivot = -1;
    let highest = tolerance;
    for (let i = 0; i < count; i++) {
      const value = load<f64>(diagonal + (<usize>i << 3));
      if (load<i32>(lengths + (<usize>i << 2)) >= 0 || value <= highest) continue;
      highest = value;
      pivot = i;
    }
    if (pivot < 0) break;
    const row = factor + <usize>pivot * rowBytes;
    const column = <usize>rank << 3;
    const root = Math.sqrt(highest);
    store<f64>(row + column, root);
    store<i32>(lengths + (<usize>pivot << 2), rank + 1);
    store<i32>(pivots + (<usize>rank << 2), pivot);
    for (let i = 0; i < count; i++) {
      if (load<i32>(lengths + (<usize>i << 2)) >= 0) continue;
      const entry = load<f64>(kernel + <usize>max(i, pivot) * kernelBytes + (<usize>min(i, pivot) << 3));
      const other = factor + <usize>i * rowBytes;
      const value = (entry - dot(row, other, rank)) / root;
      store<f64>(other + column, value);
      const at = diagonal + (<usize>i << 3);
      store<f64>(at, load<f64>(at) - value * value);
    }
  }
  for (let i = 0; i < count; i++)
    if (load<i32>(lengths + (<usize>i << 2)) < 0) store<i32>(lengths + (<usize>i << 2), rank);
  return rank;
}
