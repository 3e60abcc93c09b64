/**
 * Products of features and a tile's 32 bytes of classes: four in float64, eight in float32. T is f64 or f32; rows are taken
 * four at a time.
 */
import { longest, rowAt } from './rows';

/** log2 of a number's bytes. */
// @ts-ignore: decorator
@inline
export function shiftOf<T>(): usize {
  return sizeof<T>() == 8 ? 3 : 2;
}

// @ts-ignore: decorator
@inline
function addProduct<T>(sum: v128, a: v128, b: v128): v128 {
  return v128.add<T>(sum, v128.mul<T>(a, b));
}

/** A row's feature in all lanes. */
// @ts-ignore: decorator
@inline
function feature<T>(address: usize, square: bool): v128 {
  const x = v128.splat<T>(load<T>(address));
  return square ? v128.mul<T>(x, x) : x;
}

/** Logits of four rows and the classes of one tile, at `to` [4, tiles, 32 bytes]. */
function tileOfLogits<T>(
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
  for (let at: usize = 0; w < end; w += 32, at += sizeof<T>()) {
    const wa = v128.load(w);
    const wb = v128.load(w, 16);
    const x0 = feature<T>(z0 + at, false);
    a0 = addProduct<T>(a0, x0, wa);
    b0 = addProduct<T>(b0, x0, wb);
    const x1 = feature<T>(z1 + at, false);
    a1 = addProduct<T>(a1, x1, wa);
    b1 = addProduct<T>(b1, x1, wb);
    const x2 = feature<T>(z2 + at, false);
    a2 = addProduct<T>(a2, x2, wa);
    b2 = addProduct<T>(b2, x2, wb);
    const x3 = feature<T>(z3 + at, false);
    a3 = addProduct<T>(a3, x3, wa);
    b3 = addProduct<T>(b3, x3, wb);
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

/** Logits of the rows at [start, end), to a multiple of four of them, at `to` [rows, tiles, 32 bytes]. */
export function blockOfLogits<T>(
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
  const stride = <usize>width << shiftOf<T>();
  const tileBytes = <usize>width << 5;
  const rowBytes = <usize>tiles << 5;
  const biases = parameters + tileBytes * <usize>tiles;
  for (let tile = 0; tile < tiles; tile++) {
    for (let at = start; at < end; at += 4) {
      const r0 = rowAt(rows, at, end);
      const r1 = rowAt(rows, at + 1, end);
      const r2 = rowAt(rows, at + 2, end);
      const r3 = rowAt(rows, at + 3, end);
      tileOfLogits<T>(
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
function tileOfGradient<T>(
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
  for (let at: usize = 0; g < end; g += 32, at += sizeof<T>()) {
    let ga = v128.load(g);
    let gb = v128.load(g, 16);
    let x = feature<T>(z0 + at, square);
    ga = addProduct<T>(ga, x, a0);
    gb = addProduct<T>(gb, x, b0);
    x = feature<T>(z1 + at, square);
    ga = addProduct<T>(ga, x, a1);
    gb = addProduct<T>(gb, x, b1);
    x = feature<T>(z2 + at, square);
    ga = addProduct<T>(ga, x, a2);
    gb = addProduct<T>(gb, x, b2);
    x = feature<T>(z3 + at, square);
    ga = addProduct<T>(ga, x, a3);
    gb = addProduct<T>(gb, x, b3);
    v128.store(g, ga);
    v128.store(g, gb, 16);
  }
}

/** Adds what the residuals of the rows at [start, end) give to the gradient. */
export function blockOfGradient<T>(
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
  const stride = <usize>width << shiftOf<T>();
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
      if (square) tileOfGradient<T>(z0, z1, z2, z3, length, from, rowBytes, to, true);
      else tileOfGradient<T>(z0, z1, z2, z3, length, from, rowBytes, to, false);
    }
  }
  const biases = gradient + tileBytes * <usize>tiles;
  for (let at = start; at < end; at++) {
    const from = residuals + <usize>(at - start) * rowBytes;
    for (let b: usize = 0; b < rowBytes; b += 16)
      v128.store(biases + b, v128.add<T>(v128.load(biases + b), v128.load(from + b)));
  }
}
