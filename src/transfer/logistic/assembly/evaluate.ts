/**
 * Weighted softmax cross-entropy of a linear classifier, with its gradient. Everything is 16-byte aligned.
 *
 * features    T [count, width]; of a row only the first lengths[row] may differ from zero
 * parameters  T [tiles, width, lanes] coefficients, then [tiles, lanes] biases: class lanes * t + c is column c of tile t
 * targets     for each row its class (int32); where `soft` is not 0, float64 [count, classes to a multiple of 4] instead
 * gradient    float64 in tiles of 4 classes
 *
 * T is float64, whose tiles have 4 lanes, or float32, whose have 8, which takes half the time: exponentials and sums over
 * many rows are float64 then, too. Rows are taken in the order of `rows`, four at a time, so the result does not depend on
 * who computes it.
 */

import { min } from './rows';
import { blockOfGradient, blockOfLogits, shiftOf } from './tiles';

/** Rows whose logits are computed before any of their gradient is. */
const block: i32 = 32;

/** Rows whose gradients are added up in float32: a multiple of `block`. */
const sumRows: i32 = 256;

/**
 * Replaces the logits of a row by weight * (probability - target), or by the curvature weight * p * (1 - p).
 * @param exponentials room for float64 [classes].
 * @returns weight * cross-entropy.
 */
function residualsOf<T>(
  logits: usize,
  classes: i32,
  tiles: i32,
  weight: f64,
  label: i32,
  soft: usize,
  exponentials: usize,
  curvature: bool,
): f64 {
  let highest = load<T>(logits);
  for (let k = 1; k < classes; k++) {
    const logit = load<T>(logits + (<usize>k << shiftOf<T>()));
    if (logit > highest) highest = logit;
  }
  // The target's sum, and its scalar product with the logits.
  let total: f64 = soft == 0 ? 1 : 0;
  let product: f64 = 0;
  let sum: f64 = 0;
  for (let k = 0; k < classes; k++) {
    const value = <f64>(load<T>(logits + (<usize>k << shiftOf<T>())) - highest);
    if (soft != 0) {
      const target = load<f64>(soft + (<usize>k << 3));
      total += target;
      // A class that nothing belongs to has a logit far below all others.
      if (target != 0) product += target * value;
    } else if (k == label) product = value;
    const exponential = Math.exp(value);
    sum += exponential;
    store<f64>(exponentials + (<usize>k << 3), exponential);
  }
  const inverse = 1 / sum;
  for (let k = 0; k < classes; k++) {
    const p = load<f64>(exponentials + (<usize>k << 3)) * inverse;
    let result: f64;
    if (curvature) result = weight * total * p * (1 - p);
    else if (soft != 0) result = weight * (total * p - load<f64>(soft + (<usize>k << 3)));
    else result = weight * (k == label ? p - 1 : p);
    store<T>(logits + (<usize>k << shiftOf<T>()), <T>result);
  }
  const padded = <usize>tiles << (5 - shiftOf<T>());
  for (let k = <usize>classes; k < padded; k++) store<T>(logits + (k << shiftOf<T>()), <T>0);
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

/** @param sums where gradients are added up: the gradient itself in float64. */
function evaluateIn<T>(
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
  curvature: bool,
): f64 {
  const wholeTiles = (classes + 3) >> 2;
  const tiles = sizeof<T>() == 8 ? wholeTiles : (classes + 7) >> 3;
  const rowBytes = <usize>tiles << 5;
  const softBytes = <usize>wholeTiles << 5;
  const exponentials = work + <usize>block * rowBytes;
  memory.fill(gradient, 0, (<usize>width + 1) * softBytes);
  memory.fill(sums, 0, (<usize>width + 1) * rowBytes);
  let loss: f64 = 0;
  for (let start = 0; start < count; start += block) {
    const end = min(start + block, count);
    blockOfLogits<T>(rows, start, end, features, width, lengths, parameters, tiles, work);
    for (let at = start; at < end; at++) {
      const row = <usize>load<i32>(rows + (<usize>at << 2));
      loss += residualsOf<T>(
        work + <usize>(at - start) * rowBytes,
        classes,
        tiles,
        load<f64>(weights + (row << 3)),
        load<i32>(labels + (row << 2)),
        soft == 0 ? 0 : soft + row * softBytes,
        exponentials,
        curvature,
      );
    }
    for (let at = end; (at - start) & 3; at++) memory.fill(work + <usize>(at - start) * rowBytes, 0, rowBytes);
    blockOfGradient<T>(rows, start, end, features, width, lengths, work, tiles, sums, curvature);
    if (sizeof<T>() == 4 && (end % sumRows == 0 || end == count)) flush(sums, gradient, width, tiles, wholeTiles);
  }
  return loss;
}

/**
 * Sum of the cross-entropies of `rows`, and its gradient; where `curvature`, the diagonal of its Hessian instead.
 * @param work room for float64 [33, tiles, 4].
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
  parameters: usize,
  gradient: usize,
  work: usize,
  curvature: bool,
): f64 {
  return evaluateIn<f64>(
    rows,
    count,
    features,
    width,
    lengths,
    weights,
    labels,
    soft,
    classes,
    parameters,
    gradient,
    gradient,
    work,
    curvature,
  );
}

/**
 * The same loss and gradient from features and parameters in float32.
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
  return evaluateIn<f32>(
    rows,
    count,
    features,
    width,
    lengths,
    weights,
    labels,
    soft,
    classes,
    parameters,
    sums,
    gradient,
    work,
    false,
  );
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
    blockOfLogits<f64>(rows, start, end, features, width, lengths, parameters, tiles, to + <usize>start * rowBytes);
  }
}
