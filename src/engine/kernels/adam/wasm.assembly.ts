import { address, chunkStart, integer, real } from '../../wasm/assembly/arguments';

/**
 * One Adam update (../../apply_adam.ts), in place.
 * Arguments: variable, m, v, gradient, chunks, size, stepSize, 1 - beta1, 1 - beta2, epsilon.
 */
export function applyAdam(args: usize, chunk: i32): void {
  const variable = address(args, 0);
  const m = address(args, 1);
  const v = address(args, 2);
  const gradient = address(args, 3);
  const chunks = integer(args, 4);
  const size = integer(args, 5);
  const stepSize = real(args, 6);
  const rest1 = real(args, 7);
  const rest2 = real(args, 8);
  const epsilon = real(args, 9);

  // Whole vectors: only the last chunk has a rest.
  const first = chunkStart(size >> 2, chunks, chunk) << 2;
  const last = chunk == chunks - 1 ? size : chunkStart(size >> 2, chunks, chunk + 1) << 2;
  let i = first;
  for (; i + 4 <= last; i += 4) {
    const at = <usize>i << 2;
    const g = v128.load(gradient + at);
    const oldM = v128.load(m + at);
    const oldV = v128.load(v + at);
    const newM = f32x4.add(oldM, f32x4.mul(f32x4.splat(rest1), f32x4.sub(g, oldM)));
    const newV = f32x4.add(oldV, f32x4.mul(f32x4.splat(rest2), f32x4.sub(f32x4.mul(g, g), oldV)));
    const root = f32x4.add(f32x4.sqrt(newV), f32x4.splat(epsilon));
    const update = f32x4.div(f32x4.mul(f32x4.splat(stepSize), newM), root);
    v128.store(m + at, newM);
    v128.store(v + at, newV);
    v128.store(variable + at, f32x4.sub(v128.load(variable + at), update));
  }
  for (; i < last; i++) {
    const at = <usize>i << 2;
    const g = load<f32>(gradient + at);
    const newM = load<f32>(m + at) + rest1 * (g - load<f32>(m + at));
    const newV = load<f32>(v + at) + rest2 * (g * g - load<f32>(v + at));
    store<f32>(m + at, newM);
    store<f32>(v + at, newV);
    store<f32>(variable + at, load<f32>(variable + at) - (stepSize * newM) / (sqrt<f32>(newV) + epsilon));
  }
}
