import { address, chunkStart, integer } from '../../wasm/assembly/arguments';

/**
 * Copies pictures [batch, height, width, channels] into zeros [batch, toHeight, toWidth, toChannels] at (top, left),
 * the dilation's pixels from one to the next; what lies beyond is left out.
 * Arguments: from, to, chunks, batch, height, width, channels, toHeight, toWidth, toChannels, top, left, dilationHeight, dilationWidth.
 */
export function pad(args: usize, chunk: i32): void {
  const from = address(args, 0);
  const to = address(args, 1);
  const chunks = integer(args, 2);
  const batch = integer(args, 3);
  const height = integer(args, 4);
  const width = integer(args, 5);
  const channels = integer(args, 6);
  const toHeight = integer(args, 7);
  const toWidth = integer(args, 8);
  const toChannels = integer(args, 9);
  const top = integer(args, 10);
  const left = integer(args, 11);
  const dilationHeight = integer(args, 12);
  const dilationWidth = integer(args, 13);

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
