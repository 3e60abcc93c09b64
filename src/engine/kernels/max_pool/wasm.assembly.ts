import { chunkStart } from '../../wasm/assembly/chunks';

/**
 * Max-pooling [batch, inHeight, inWidth, channels] -> [batch, height, width, channels].
 */
export function maxPool(
  chunk: i32,
  chunks: i32,
  input: usize,
  output: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  height: i32,
  width: i32,
  windowHeight: i32,
  windowWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
): void {
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
        // pmax leaves out NaN, which is passed on, so that a network that diverged says so.
        let best = f32x4.splat(-Infinity);
        let notNumbers = f32x4.splat(0);
        for (let v = yFirst; v < yLast; v++) {
          let p = picture + <usize>(v * inWidth + xFirst) * pixelBytes + channel;
          for (let u = xFirst; u < xLast; u++) {
            const value = v128.load(p);
            best = f32x4.pmax(best, value);
            notNumbers = v128.or(notNumbers, f32x4.ne(value, value));
            p += pixelBytes;
          }
        }
        v128.store(target + channel, v128.or(best, notNumbers));
      }
      for (; channel < pixelBytes; channel += 4) {
        let best: f32 = -Infinity;
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
