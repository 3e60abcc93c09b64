/**
 * Weighted softmax cross-entropy of a linear classifier, with its gradient. Everything is float64 and 16-byte aligned.
 *
 * features    [count, width]; of a row only the first lengths[row] may differ from zero
 * parameters  [tiles, width, 4] coefficients, then [tiles, 4] biases: class 4 t + c is column c of tile t
 * targets     for each row its class (int32); where `soft` is not 0, float64 [count, tiles, 4] instead
 *
 * Rows are taken in the order of `rows`, four at a time, so the result does not depend on who computes it.
 */

import { longest, min, rowAt } from './rows';

/** Rows whose logits are computed before any of their gradient is. */
const block: i32 = 32;

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
  for (let at: usize = 0; w < end; w += 32, at += 8) {
    const wa = v128.load(w);
    const wb = v128.load(w, 16);
    const x0 = v128.load_splat<f64>(z0 + at);
    a0 = f64x2.add(a0, f64x2.mul(x0, wa));
    b0 = f64x2.add(b0, f64x2.mul(x0, wb));
    const x1 = v128.load_splat<f64>(z1 + at);
    a1 = f64x2.add(a1, f64x2.mul(x1, wa));
    b1 = f64x2.add(b1, f64x2.mul(x1, wb));
    const x2 = v128.load_splat<f64>(z2 + at);
    a2 = f64x2.add(a2, f64x2.mul(x2, wa));
    b2 = f64x2.add(b2, f64x2.mul(x2, wb));
    const x3 = v128.load_splat<f64>(z3 + at);
    a3 = f64x2.add(a3, f64x2.mul(x3, wa));
    b3 = f64x2.add(b3, f64x2.mul(x3, wb));
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

/** Logits of the rows at [start, end), to a multiple of four of them, at `to` [rows, tiles, 4]. */
function blockOfLogits(
  rows: usize,
  start: i32,
  end: i32,
  features: usize,
  width: i32,
  lengths: usize,
  parameters: usize,
  tiles: i32,
  to: usize,
): void {
  const stride = <usize>width << 3;
  const tileBytes = <usize>width << 5;
  const rowBytes = <usize>tiles << 5;
  const biases = parameters + tileBytes * <usize>tiles;
  for (let tile = 0; tile < tiles; tile++) {
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
        to + <usize>(at - start) * rowBytes + (<usize>tile << 5),
        rowBytes,
      );
    }
  }
}

/** gradient[j] += sum over four rows of z[j] * residual, for the classes of one tile; with z[j] ** 2 where `square`. */
// @ts-ignore: decorator
@inline
function tileOfGradient(
  z0: usize,
  z1: usize,
  z2: usize,
  z3: usize,
  length: i32,
  residuals: usize,
  rowBytes: usize,
  gradient: usize,
  square: bool,
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
  for (let at: usize = 0; g < end; g += 32, at += 8) {
    let ga = v128.load(g);
    let gb = v128.load(g, 16);
    let x = v128.load_splat<f64>(z0 + at);
    if (square) x = f64x2.mul(x, x);
    ga = f64x2.add(ga, f64x2.mul(x, a0));
    gb = f64x2.add(gb, f64x2.mul(x, b0));
    x = v128.load_splat<f64>(z1 + at);
    if (square) x = f64x2.mul(x, x);
    ga = f64x2.add(ga, f64x2.mul(x, a1));
    gb = f64x2.add(gb, f64x2.mul(x, b1));
    x = v128.load_splat<f64>(z2 + at);
    if (square) x = f64x2.mul(x, x);
    ga = f64x2.add(ga, f64x2.mul(x, a2));
    gb = f64x2.add(gb, f64x2.mul(x, b2));
    x = v128.load_splat<f64>(z3 + at);
    if (square) x = f64x2.mul(x, x);
    ga = f64x2.add(ga, f64x2.mul(x, a3));
    gb = f64x2.add(gb, f64x2.mul(x, b3));
    v128.store(g, ga);
    v128.store(g, gb, 16);
  }
}

/** Adds what the residuals of the rows at [start, end) give to the gradient. */
function blockOfGradient(
  rows: usize,
  start: i32,
  end: i32,
  features: usize,
  width: i32,
  lengths: usize,
  residuals: usize,
  tiles: i32,
  gradient: usize,
  square: bool,
): void {
  const stride = <usize>width << 3;
  const tileBytes = <usize>width << 5;
  const rowBytes = <usize>tiles << 5;
  for (let tile = 0; tile < tiles; tile++) {
    for (let at = start; at < end; at += 4) {
      const r0 = rowAt(rows, at, end);
      const r1 = rowAt(rows, at + 1, end);
      const r2 = rowAt(rows, at + 2, end);
      const r3 = rowAt(rows, at + 3, end);
      const z0 = features + <usize>r0 * stride;
      const z1 = features + <usize>r1 * stride;
      const z2 = features + <usize>r2 * stride;
      const z3 = features + <usize>r3 * stride;
      const length = longest(lengths, r0, r1, r2, r3);
      const from = residuals + <usize>(at - start) * rowBytes + (<usize>tile << 5);
      const to = gradient + <usize>tile * tileBytes;
      // Literals, so that each call is compiled without the other's branches.
      if (square) tileOfGradient(z0, z1, z2, z3, length, from, rowBytes, to, true);
      else tileOfGradient(z0, z1, z2, z3, length, from, rowBytes, to, false);
    }
  }
  const biases = gradient + tileBytes * <usize>tiles;
  for (let at = start; at < end; at++) {
    const from = residuals + <usize>(at - start) * rowBytes;
    for (let b: usize = 0; b < rowBytes; b += 16)
      v128.store(biases + b, f64x2.add(v128.load(biases + b), v128.load(from + b)));
  }
}

/**
 * Replaces the logits of a row by weight * (probability - target), or by the curvature weight * p * (1 - p).
 * @returns weight * cross-entropy.
 */
function residualsOf(
  logits: usize,
  classes: i32,
  tiles: i32,
  weight: f64,
  label: i32,
  soft: usize,
  curvature: bool,
): f64 {
  let highest: f64 = -Infinity;
  for (let k = 0; k < classes; k++) highest = Math.max(highest, load<f64>(logits + (<usize>k << 3)));
  // The target's sum, and its scalar product with the logits.
  let total: f64 = 1;
  let product: f64 = 0;
  if (soft != 0) {
    total = 0;
    for (let k = 0; k < classes; k++) {
      const target = load<f64>(soft + (<usize>k << 3));
      total += target;
      // A class that nothing belongs to has a logit far below all others.
      if (target != 0) product += target * (load<f64>(logits + (<usize>k << 3)) - highest);
    }
  } else product = load<f64>(logits + (<usize>label << 3)) - highest;
  let sum: f64 = 0;
  for (let k = 0; k < classes; k++) {
    const at = logits + (<usize>k << 3);
    const value = Math.exp(load<f64>(at) - highest);
    sum += value;
    store<f64>(at, value);
  }
  const inverse = 1 / sum;
  for (let k = 0; k < classes; k++) {
    const at = logits + (<usize>k << 3);
    const p = load<f64>(at) * inverse;
    if (curvature) store<f64>(at, weight * total * p * (1 - p));
    else if (soft != 0) store<f64>(at, weight * (total * p - load<f64>(soft + (<usize>k << 3))));
    else store<f64>(at, weight * (k == label ? p - 1 : p));
  }
  for (let k = classes; k < 4 * tiles; k++) store<f64>(logits + (<usize>k << 3), 0);
  return weight * (total * Math.log(sum) - product);
}

/**
 * Sum of the cross-entropies of `rows`, and its gradient; where `curvature`, the diagonal of its Hessian instead.
 * @param work room for float64 [32, tiles, 4].
 */
export function evaluate(
  rows: usize,
  count: i32,
  features: usize,
  width: i32,
  lengths: usize,
  weights: usize,
  labels: usize,
  soft: usize,
  classes: i32,
  tiles: i32,
  parameters: usize,
  gradient: usize,
  work: usize,
  curvature: bool,
): f64 {
  const rowBytes = <usize>tiles << 5;
  memory.fill(gradient, 0, (<usize>width + 1) * rowBytes);
  let loss: f64 = 0;
  for (let start = 0; start < count; start += block) {
    const end = min(start + block, count);
    blockOfLogits(rows, start, end, features, width, lengths, parameters, tiles, work);
    for (let at = start; at < end; at++) {
      const row = <usize>load<i32>(rows + (<usize>at << 2));
      loss += residualsOf(
        work + <usize>(at - start) * rowBytes,
        classes,
        tiles,
        load<f64>(weights + (row << 3)),
        load<i32>(labels + (row << 2)),
        soft == 0 ? 0 : soft + row * rowBytes,
        curvature,
      );
    }
    for (let at = end; (at - start) & 3; at++) memory.fill(work + <usize>(at - start) * rowBytes, 0, rowBytes);
    blockOfGradient(rows, start, end, features, width, lengths, work, tiles, gradient, curvature);
  }
  return loss;
}

/** Logits of `rows`, at `to` [count rounded up to a multiple of four, tiles, 4]. */
export function logits(
  rows: usize,
  count: i32,
  features: usize,
  width: i32,
  lengths: usize,
  tiles: i32,
  parameters: usize,
  to: usize,
): void {
  const rowBytes = <usize>tiles << 5;
  for (let start = 0; start < count; start += block) {
    const end = min(start + block, count);
    blockOfLogits(rows, start, end, features, width, lengths, parameters, tiles, to + <usize>start * rowBytes);
  }
}
