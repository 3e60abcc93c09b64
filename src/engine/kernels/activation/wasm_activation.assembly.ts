import { chunkStart } from '../../wasm/assembly/chunks';
import { exp4 } from '../../wasm/assembly/exp';

/** The numbers of the functions, in the order of `numbered` in wasm.ts. */
const RELU6 = 0;
const SIGMOID = 1;
const SWISH = 2;
const HARD_SIGMOID = 3;
const HARD_SWISH = 4;

// @ts-ignore: decorator
@inline
function sigmoid4(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))));
}

// @ts-ignore: decorator
@inline
function relu6(x: v128): v128 {
  return f32x4.min(f32x4.max(x, f32x4.splat(0)), f32x4.splat(6));
}

/** The function of four numbers. operation.ts has the formulas. */
// @ts-ignore: decorator
@inline
function valueOf(kind: i32, x: v128, alpha: f32): v128 {
  if (kind == RELU6) return relu6(x);
  if (kind == SIGMOID) return sigmoid4(x);
  if (kind == SWISH) return f32x4.mul(x, sigmoid4(x));
  if (kind == HARD_SIGMOID) return f32x4.div(relu6(f32x4.add(x, f32x4.splat(3))), f32x4.splat(6));
  if (kind == HARD_SWISH) {
    return f32x4.div(f32x4.mul(x, relu6(f32x4.add(x, f32x4.splat(3)))), f32x4.splat(6));
  }
  const scaled = f32x4.mul(x, f32x4.splat(alpha));
  return v128.bitselect(x, scaled, f32x4.gt(x, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
function derivativeOf(kind: i32, x: v128, alpha: f32): v128 {
  const one = f32x4.splat(1);
  if (kind == RELU6) {
    const inside = v128.and(f32x4.gt(x, f32x4.splat(0)), f32x4.lt(x, f32x4.splat(6)));
    return v128.and(inside, one);
  }
  if (kind == SIGMOID) {
    const s = sigmoid4(x);
    return f32x4.mul(s, f32x4.sub(one, s));
  }
  if (kind == SWISH) {
    const s = sigmoid4(x);
    return f32x4.mul(s, f32x4.add(one, f32x4.mul(x, f32x4.sub(one, s))));
  }
  if (kind == HARD_SIGMOID) {
    const inside = v128.and(f32x4.gt(x, f32x4.splat(-3)), f32x4.lt(x, f32x4.splat(3)));
    return v128.and(inside, f32x4.splat(<f32>(1.0 / 6.0)));
  }
  if (kind == HARD_SWISH) {
    const slope = f32x4.div(f32x4.add(f32x4.add(x, x), f32x4.splat(3)), f32x4.splat(6));
    const inside = v128.bitselect(slope, f32x4.splat(0), f32x4.gt(x, f32x4.splat(-3)));
    return v128.bitselect(one, inside, f32x4.ge(x, f32x4.splat(3)));
  }
  return v128.bitselect(one, f32x4.splat(alpha), f32x4.gt(x, f32x4.splat(0)));
}

/** x [size] -> y [size]. kind: one of the numbers above. */
export function activate(
  chunk: i32,
  chunks: i32,
  x: usize,
  y: usize,
  size: i32,
  kind: i32,
  alpha: f32,
): void {
  const last = chunk == chunks - 1 ? size : chunkStart(size >> 2, chunks, chunk + 1) << 2;
  let i = chunkStart(size >> 2, chunks, chunk) << 2;
  for (; i + 4 <= last; i += 4) {
    const at = <usize>i << 2;
    v128.store(y + at, valueOf(kind, v128.load(x + at), alpha));
  }
  for (; i < last; i++) {
    const at = <usize>i << 2;
    v128.store_lane<f32>(y + at, valueOf(kind, v128.load32_splat(x + at), alpha), 0);
  }
}

/** x and dy [size] -> dx [size]: dy times the derivative at x. */
export function activationGradient(
  chunk: i32,
  chunks: i32,
  x: usize,
  dy: usize,
  dx: usize,
  size: i32,
  kind: i32,
  alpha: f32,
): void {
  const last = chunk == chunks - 1 ? size : chunkStart(size >> 2, chunks, chunk + 1) << 2;
  let i = chunkStart(size >> 2, chunks, chunk) << 2;
  for (; i + 4 <= last; i += 4) {
    const at = <usize>i << 2;
    v128.store(dx + at, f32x4.mul(v128.load(dy + at), derivativeOf(kind, v128.load(x + at), alpha)));
  }
  for (; i < last; i++) {
    const at = <usize>i << 2;
    const gradient = f32x4.mul(v128.load32_splat(dy + at), derivativeOf(kind, v128.load32_splat(x + at), alpha));
    v128.store_lane<f32>(dx + at, gradient, 0);
  }
}
