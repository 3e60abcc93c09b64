/**
 * The windows of a row of outputs, one after another as rows of a matrix (im2col): x [inHeight, inWidth, inputs] ->
 * patches [width, kernelHeight, kernelWidth, inputs], with zeros for what lies outside.
 */
export function gatherPatches(
  x: usize,
  patches: usize,
  row: i32,
  inHeight: i32,
  inWidth: i32,
  inputs: i32,
  width: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  stride: i32,
  top: i32,
  left: i32,
): void {
  const pixelBytes = <usize>inputs << 2;
  const runBytes = <usize>kernelWidth * pixelBytes;
  let to = patches;
  for (let column = 0; column < width; column++) {
    const inColumn = column * stride - left;
    const first = min(kernelWidth, max(0, -inColumn));
    const last = max(first, min(kernelWidth, inWidth - inColumn));
    for (let u = 0; u < kernelHeight; u++) {
      const inRow = row * stride - top + u;
      if (<u32>inRow < <u32>inHeight) {
        const from = x + <usize>(inRow * inWidth + inColumn) * pixelBytes;
        const start = <usize>first * pixelBytes;
        const end = <usize>last * pixelBytes;
        clear(to, start);
        copy(to + start, from + start, end - start);
        clear(to + end, runBytes - end);
      } else {
        clear(to, runBytes);
      }
      to += runBytes;
    }
  }
}

/** Faster than memory.copy for the few numbers of a window's row. */
// @ts-ignore: decorator
@inline
function copy(to: usize, from: usize, bytes: usize): void {
  let at: usize = 0;
  for (; at + 16 <= bytes; at += 16) v128.store(to + at, v128.load(from + at));
  if (bytes & 8) {
    store<f64>(to + at, load<f64>(from + at));
    at += 8;
  }
  if (bytes & 4) store<f32>(to + at, load<f32>(from + at));
}

// @ts-ignore: decorator
@inline
function clear(to: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 4) store<f32>(to + at, 0);
}
