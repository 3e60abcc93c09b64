import { chunkStart } from '../../wasm/assembly/chunks';

/**
 * Moments of weights without a gradient shrink for ever, down to denormal numbers, which cost processors ten times as
 * much: below these they become 0. With epsilon 1e-8 such a moment moves a weight by less than 1e-22 learning rates, and
 * its square adds nothing to epsilon.
 */
const leastM: f32 = 1e-30;
const leastV: f32 = 1e-36;

/**
 * One Adam update (operation.ts), in place.
 */
export function applyAdam(
  chunk: i32,
  chunks: i32,
  variable: usize,
  m: usize,
  v: usize,
  gradient: usize,
  size: i32,
  stepSize: f32,
  oneMinusBeta1: f32,
  oneMinusBeta2: f32,
  epsilon: f32,
): void {
  // Whole vectors; the last chunk also takes the remainder.
  const first = chunkStart(size >> 2, chunks, chunk) << 2;
  const last = chunk == chunks - 1 ? size : chunkStart(size >> 2, chunks, chunk + 1) << 2;
  let i = first;
  for (; i + 4 <= last; i += 4) {
    const at = <usize>i << 2;
    const g = v128.load(gradient + at);
    const oldM = v128.load(m + at);
    const oldV = v128.load(v + at);
    let newM = f32x4.add(oldM, f32x4.mul(f32x4.splat(oneMinusBeta1), f32x4.sub(g, oldM)));
    let newV = f32x4.add(oldV, f32x4.mul(f32x4.splat(oneMinusBeta2), f32x4.sub(f32x4.mul(g, g), oldV)));
    newM = v128.andnot(newM, f32x4.lt(f32x4.abs(newM), f32x4.splat(leastM)));
    newV = v128.andnot(newV, f32x4.lt(newV, f32x4.splat(leastV)));
    const root = f32x4.add(f32x4.sqrt(newV), f32x4.splat(epsilon));
    const update = f32x4.div(f32x4.mul(f32x4.splat(stepSize), newM), root);
    v128.store(m + at, newM);
    v128.store(v + at, newV);
    v128.store(variable + at, f32x4.sub(v128.load(variable + at), update));
  }
  for (; i < last; i++) {
    const at = <usize>i << 2;
    const g = load<f32>(gradient + at);
    let newM = load<f32>(m + at) + oneMinusBeta1 * (g - load<f32>(m + at));
    let newV = load<f32>(v + at) + oneMinusBeta2 * (g * g - load<f32>(v + at));
    if (abs<f32>(newM) < leastM) newM = 0;
    if (newV < leastV) newV = 0;
    store<f32>(m + at, newM);
    store<f32>(v + at, newV);
    store<f32>(variable + at, load<f32>(variable + at) - (stepSize * newM) / (sqrt<f32>(newV) + epsilon));
  }
}
