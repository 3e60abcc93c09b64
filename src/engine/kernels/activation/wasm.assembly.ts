import { chunkStart } from '../../wasm/assembly/chunks';

/** x where it is above zero, else 0; NaN stays NaN, whatever its sign: tfjs's own kernel makes a negative one 0. */
export function relu(chunk: i32, chunks: i32, x: usize, y: usize, size: i32): void {
  const first = chunkStart(size >> 2, chunks, chunk) << 2;
  const last = chunk == chunks - 1 ? size : chunkStart(size >> 2, chunks, chunk + 1) << 2;
  let i = first;
  for (; i + 4 <= last; i += 4) {
    const at = <usize>i << 2;
    v128.store(y + at, f32x4.pmax(v128.load(x + at), f32x4.splat(0)));
  }
  for (; i < last; i++) {
    const at = <usize>i << 2;
    const value = load<f32>(x + at);
    store<f32>(y + at, value < 0 ? 0 : value);
  }
}

/** dy where y is above zero, else 0. */
export function reluGradient(
  chunk: i32,
  chunks: i32,
  dy: usize,
  y: usize,
  dx: usize,
  size: i32,
): void {
  const first = chunkStart(size >> 2, chunks, chunk) << 2;
  const last = chunk == chunks - 1 ? size : chunkStart(size >> 2, chunks, chunk + 1) << 2;
  let i = first;
  for (; i + 4 <= last; i += 4) {
    const at = <usize>i << 2;
    const above = f32x4.gt(v128.load(y + at), f32x4.splat(0));
    v128.store(dx + at, v128.and(above, v128.load(dy + at)));
  }
  for (; i < last; i++) {
    const at = <usize>i << 2;
    store<f32>(dx + at, load<f32>(y + at) > 0 ? load<f32>(dy + at) : 0);
  }
}
