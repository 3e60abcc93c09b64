import { address, chunkStart, integer } from '../../wasm/assembly/arguments';

/**
 * Max-pooling [batch, inHeight, inWidth, channels] -> [batch, height, width, channels].
 * Arguments: input, output, chunks, batch, inHeight, inWidth, channels, height, width,
 * windowHeight, windowWidth, strideHeight, strideWidth, top, left.
 */
export function maxPool(args: usize, chunk: i32): void {
  const input = address(args, 0);
  const output = address(args, 1);
  const chunks = integer(args, 2);
  const batch = integer(args, 3);
  const inHeight = integer(args, 4);
  const inWidth = integer(args, 5);
  const channels = integer(args, 6);
  const height = integer(args, 7);
  const width = integer(args, 8);
  const windowHeight = integer(args, 9);
  const windowWidth = integer(args, 10);
  const strideHeight = integer(args, 11);
  const strideWidth = integer(args, 12);
  const top = integer(args, 13);
  const left = integer(args, 14);

  const pixelBytes = <usize>(channels * 4);
  const firstRow = chunkStart(batch * height, chunks, chunk);
  const lastRow = chunkStart(batch * height, chunks, chunk + 1);
  for (let row = firstRow; row < lastRow; row++) {
    const picture = input + <usize>((row / height) * inHeight * inWidth) * pixelBytes;
    const y = (row % height) * strideHeight - top;
    const yFirst = max(y, 0);
    const yLast = min(y + windowHeight, inHeight);
    for (let column = 0; column < width; column++) {
      const x = column * strideWidth - left;
      const xFirst = max(x, 0);
      const xLast = min(x + windowWidth, inWidth);
      const target = output + <usize>(row * width + column) * pixelBytes;
      let channel: usize = 0;
      for (; channel + 16 <= pixelBytes; channel += 16) {
        let best = f32x4.splat(-f32.MAX_VALUE);
        for (let v = yFirst; v < yLast; v++) {
          let p = picture + <usize>(v * inWidth + xFirst) * pixelBytes + channel;
          for (let u = xFirst; u < xLast; u++) {
            best = f32x4.pmax(best, v128.load(p));
            p += pixelBytes;
          }
        }
        v128.store(target + channel, best);
      }
      for (; channel < pixelBytes; channel += 4) {
        let best: f32 = -f32.MAX_VALUE;
        for (let v = yFirst; v < yLast; v++) {
          for (let u = xFirst; u < xLast; u++) {
            best = max(best, load<f32>(picture + <usize>(v * inWidth + u) * pixelBytes + channel));
          }
        }
        store<f32>(target + channel, best);
      }
    }
  }
}
