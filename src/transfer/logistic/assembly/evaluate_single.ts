/**
 * The loss of evaluate.ts and its gradient with features, coefficients, logits and residuals in float32, which takes half
 * the time. Exponentials and sums over many rows are float64.
 *
 * features    float32 [count, width]
 * parameters  float32 [tiles, width, 8] coefficients, then [tiles, 8] biases: class 8 t + c is column c of tile t
 * gradient    float64, laid out as in evaluate.ts: its tiles have 4 classes
 */

import { longest, min, rowAt } from './rows';

/** Rows whose logits are computed before any of their gradient is. */
const block: i32 = 32;

/** Rows whose gradients are added up in float32: a multiple of `block`. */
const sumRows: i32 = 256;

/** Logits of four rows and the classes of one tile, at `to` [4, classes]. */
function tileOfLogits(
  z0: usize,
  z1: usize,
  z2: usize,
  z3: usize,
  length: i32,
  coefficients: usize,
  biases: usize,
  to: usize,
  rowBytes: usize,
): void {
  let a0 = v128.load(biases);
  let b0 = v128.load(biases, 16);
  let a1 = a0;
  let b1 = b0;
  let a2 = a0;
  let b2 = b0;
  let a3 = a0;
  let b3 = b0;
  let w = coefficients;
  const end = w + (<usize>length << 5);
  for (let at: usize = 0; w < end; w += 32, at += 4) {
    const wa = v128.load(w);
    const wb = v128.load(w, 16);
    const x0 = v128.load_splat<f32>(z0 + at);
    a0 = f32x4.add(a0, f32x4.mul(x0, wa));
    b0 = f32x4.add(b0, f32x4.mul(x0, wb));
    const x1 = v128.load_splat<f32>(z1 + at);
    a1 = f32x4.add(a1, f32x4.mul(x1, wa));
    b1 = f32x4.add(b1, f32x4.mul(x1, wb));
    const x2 = v128.load_splat<f32>(z2 + at);
    a2 = f32x4.add(a2, f32x4.mul(x2, wa));
    b2 = f32x4.add(b2, f32x4.mul(x2, wb));
    const x3 = v128.load_splat<f32>(z3 + at);
    a3 = f32x4.add(a3, f32x4.mul(x3, wa));
    b3 = f32x4.add(b3, f32x4.mul(x3, wb));
  }
  v128.store(to, a0);
  v128.store(to, b0, 16);
  v128.store(to + rowBytes, a1);
  v128.store(to + rowBytes, b1, 16);
  v128.store(to + 2 * rowBytes, a2);
  v128.store(to + 2 * rowBytes, b2, 16);
  v128.store(to + 3 * rowBytes, a3);
  v128.store(to + 3 * rowBytes, b3, 16);
}

/** gradient[j] += sum over four rows of z[j] * residual, for the classes of one tile. */
function tileOfGradient(
  z0: usize,
  z1: usize,
  z2: usize,
  z3: usize,
  length: i32,
  residuals: usize,
  rowBytes: usize,
  gradient: usize,
): void {
  const a0 = v128.load(residuals);
  const b0 = v128.load(residuals, 16);
  const a1 = v128.load(residuals + rowBytes);
  const b1 = v128.load(residuals + rowBytes, 16);
  const a2 = v128.load(residuals + 2 * rowBytes);
  const b2 = v128.load(residuals + 2 * rowBytes, 16);
  const a3 = v128.load(residuals + 3 * rowBytes);
  const b3 = v128.load(residuals + 3 * rowBytes, 16);
  let g = gradient;
  const end = g + (<usize>length << 5);
  for (let at: usize = 0; g < end; g += 32, at += 4) {
    let ga = v128.load(g);
    let gb = v128.load(g, 16);
    let x = v128.load_splat<f32>(z0 + at);
    ga = f32x4.add(ga, f32x4.mul(x, a0));
    gb = f32x4.add(gb, f32x4.mul(x, b0));
    x = v128.load_splat<f32>(z1 + at);
    ga = f32x4.add(ga, f32x4.mul(x, a1));
    gb = f32x4.add(gb, f32x4.mul(x, b1));
    x = v128.load_splat<f32>(z2 + at);
    ga = f32x4.add(ga, f32x4.mul(x, a2));
    gb = f32x4.add(gb, f32x4.mul(x, b2));
    x = v128.load_splat<f32>(z3 + at);
    ga = f32x4.add(ga, f32x4.mul(x, a3));
    gb = f32x4.add(gb, f32x4.mul(x, b3));
    v128.store(g, ga);
    v128.store(g, gb, 16);
  }
}

/** Replaces the logits of a row by weight * (probability - target). @returns weight * cross-entropy. */
function residualsOf(
  logits: usize,
  classes: i32,
  tiles: i32,
  weight: f64,
  label: i32,
  soft: usize,
  exponentials: usize,
): f64 {
  let highest: f32 = -Infinity;
  for (let k = 0; k < classes; k++) highest = Mathf.max(highest, load<f32>(logits + (<usize>k << 2)));
  let total: f64 = 1;
  let product: f64 = 0;
  let sum: f64 = 0;
  if (soft != 0) total = 0;
  for (let k = 0; k < classes; k++) {
    const value = <f64>(load<f32>(logits + (<usize>k << 2)) - highest);
    if (soft != 0) {
      const target = load<f64>(soft + (<usize>k << 3));
      total += target;
      if (target != 0) product += target * value;
    } else if (k == label) product = value;
    const exponential = Math.exp(value);
    sum += exponential;
    store<f64>(exponentials + (<usize>k << 3), exponential);
  }
  const inverse = 1 / sum;
  for (let k = 0; k < classes; k++) {
    const p = load<f64>(exponentials + (<usize>k << 3)) * inverse;
    const residual = soft != 0 ? total * p - load<f64>(soft + (<usize>k << 3)) : k == label ? p - 1 : p;
    store<f32>(logits + (<usize>k << 2), <f32>(weight * residual));
  }
  for (let k = classes; k < 8 * tiles; k++) store<f32>(logits + (<usize>k << 2), 0);
  return weight * (total * Math.log(sum) - product);
}

/** Adds float32 sums to the gradient, and sets them to zero. */
function flush(sums: usize, gradient: usize, width: i32, tiles: i32, wholeTiles: i32): void {
  for (let tile = 0; tile < wholeTiles; tile++) {
    let from = sums + (<usize>(tile >> 1) * <usize>width << 5) + (<usize>(tile & 1) << 4);
    let to = gradient + (<usize>tile * <usize>width << 5);
    for (let j = 0; j < width; j++, from += 32, to += 32) addTo(to, from);
  }
  const biases = sums + (<usize>tiles * <usize>width << 5);
  const to = gradient + (<usize>wholeTiles * <usize>width << 5);
  for (let tile = 0; tile < wholeTiles; tile++) addTo(to + (<usize>tile << 5), biases + (<usize>tile << 4));
  memory.fill(sums, 0, <usize>(width + 1) * (<usize>tiles << 5));
}

// @ts-ignore: decorator
@inline
function addTo(to: usize, from: usize): void {
  const low = f64x2.promote_low_f32x4(v128.load64_zero(from));
  const high = f64x2.promote_low_f32x4(v128.load64_zero(from, 8));
  v128.store(to, f64x2.add(v128.load(to), low));
  v128.store(to, f64x2.add(v128.load(to, 16), high), 16);
}

/**
 * Sum of the cross-entropies of `rows`, and its gradient.
 * @param sums room for float32 as `parameters`.
 * @param work room for float32 [32, tiles, 8], and float64 [tiles, 8] after it.
 */
export function evaluateSingle(
  rows: usize,
  count: i32,
  features: usize,
  width: i32,
  lengths: usize,
  weights: usize,
  labels: usize,
  soft: usize,
  classes: i32,
  parameters: usize,
  sums: usize,
  gradient: usize,
  work: usize,
): f64 {
  const tiles = (classes + 7) >> 3;
  const wholeTiles = (classes + 3) >> 2;
  const stride = <usize>width << 2;
  const tileBytes = <usize>width << 5;
  const rowBytes = <usize>tiles << 5;
  const softBytes = <usize>wholeTiles << 5;
  const biases = parameters + tileBytes * <usize>tiles;
  const exponentials = work + <usize>block * rowBytes;
  memory.fill(gradient, 0, (<usize>width + 1) * softBytes);
  memory.fill(sums, 0, (<usize>width + 1) * rowBytes);
  let loss: f64 = 0;
  for (let start = 0; start < count; start += block) {
    const end = min(start + block, count);
    for (let tile = 0; tile < tiles; tile++)
      for (let at = start; at < end; at += 4) {
        const r0 = rowAt(rows, at, end);
        const r1 = rowAt(rows, at + 1, end);
        const r2 = rowAt(rows, at + 2, end);
        const r3 = rowAt(rows, at + 3, end);
        tileOfLogits(
          features + <usize>r0 * stride,
          features + <usize>r1 * stride,
          features + <usize>r2 * stride,
          features + <usize>r3 * stride,
          longest(lengths, r0, r1, r2, r3),
          parameters + <usize>tile * tileBytes,
          biases + (<usize>tile << 5),
          work + <usize>(at - start) * rowBytes + (<usize>tile << 5),
          rowBytes,
        );
      }
    for (let at = start; at < end; at++) {
      const row = <usize>rowAt(rows, at, end);
      const logits = work + <usize>(at - start) * rowBytes;
      const weight = load<f64>(weights + (row << 3));
      const label = load<i32>(labels + (row << 2));
      const target: usize = soft == 0 ? 0 : soft + row * softBytes;
      loss += residualsOf(logits, classes, tiles, weight, label, target, exponentials);
    }
    for (let at = end; (at - start) & 3; at++) memory.fill(work + <usize>(at - start) * rowBytes, 0, rowBytes);
    for (let tile = 0; tile < tiles; tile++)
      for (let at = start; at < end; at += 4) {
        const r0 = rowAt(rows, at, end);
        const r1 = rowAt(rows, at + 1, end);
        const r2 = rowAt(rows, at + 2, end);
        const r3 = rowAt(rows, at + 3, end);
        tileOfGradient(
          features + <usize>r0 * stride,
          features + <usize>r1 * stride,
          features + <usize>r2 * stride,
          features + <usize>r3 * stride,
          longest(lengths, r0, r1, r2, r3),
          work + <usize>(at - start) * rowBytes + (<usize>tile << 5),
          rowBytes,
          sums + <usize>tile * tileBytes,
        );
      }
    const sumsOfBiases = sums + tileBytes * <usize>tiles;
    for (let at = start; at < end; at++) {
      const from = work + <usize>(at - start) * rowBytes;
      for (let b: usize = 0; b < rowBytes; b += 16)
        v128.store(sumsOfBiases + b, f32x4.add(v128.load(sumsOfBiases + b), v128.load(from + b)));
    }
    if (end % sumRows == 0 || end == count) flush(sums, gradient, width, tiles, wholeTiles);
  }
  return loss;
}
