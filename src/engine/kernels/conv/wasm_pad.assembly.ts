import { chunkStart } from '../../wasm/assembly/chunks';

/**
 * Copies pictures [batch, height, width, channels] into zeros [batch, toHeight, toWidth, toChannels] at (top, left),
 * neighbouring pixels the dilation apart; pixels that do not fit are left out.
 */
export function pad(
  chunk: i32,
  chunks: i32,
  from: usize,
  to: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  toHeight: i32,
  toWidth: i32,
  toChannels: i32,
  top: i32,
  left: i32,
  dilationHeight: i32,
  dilationWidth: i32,
): void {
  const rowBytes = toWidth * toChannels * 4;
  const firstRow = chunkStart(batch * toHeight, chunks, chunk);
  const lastRow = chunkStart(batch * toHeight, chunks, chunk + 1);
  for (let row = firstRow; row < lastRow; row++) {
    const target = to + <usize>row * rowBytes;
    memory.fill(target, 0, rowBytes);
    const y = (row % toHeight) - top;
    if (y < 0 || y % dilationHeight != 0 || y / dilationHeight >= height) continue;
    let source = from + <usize>(((row / toHeight) * height + y / dilationHeight) * width) * channels * 4;
    if (dilationWidth == 1 && channels == toChannels) {
      const pixels = min(width, toWidth - left);
      memory.copy(target + left * channels * 4, source, pixels * channels * 4);
      continue;
    }
    for (let x = 0; x < width && left + x * dilationWidth < toWidth; x++) {
      memory.copy(target + (left + x * dilationWidth) * toChannels * 4, source, channels * 4);
      source += channels * 4;
    }
  }
}
