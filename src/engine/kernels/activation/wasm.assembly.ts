import { chunkStart } from '../../wasm/assembly/chunks';

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
