import { address, chunkStart, integer } from '../../wasm/assembly/arguments';

/** dy where y is above zero, else 0. Arguments: dy, y, dx, chunks, size. */
export function reluGradient(args: usize, chunk: i32): void {
  const dy = address(args, 0);
  const y = address(args, 1);
  const dx = address(args, 2);
  const chunks = integer(args, 3);
  const size = integer(args, 4);

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
