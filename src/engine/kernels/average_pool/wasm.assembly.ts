import { chunkStart } from '../../wasm/assembly/chunks';

/** Average pooling [batch, inHeight, inWidth, channels] -> [batch, height, width, channels]; padding is not counted. */
export function averagePool(
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
      const share = <f32>1 / <f32>((yLast - yFirst) * (xLast - xFirst));
      let channel: usize = 0;
      for (; channel + 16 <= pixelBytes; channel += 16) {
        let sum = f32x4.splat(0);
        for (let v = yFirst; v < yLast; v++) {
          let p = picture + <usize>(v * inWidth + xFirst) * pixelBytes + channel;
          for (let u = xFirst; u < xLast; u++) {
            sum = f32x4.add(sum, v128.load(p));
            p += pixelBytes;
          }
        }
        v128.store(target + channel, f32x4.mul(sum, f32x4.splat(share)));
      }
      for (; channel < pixelBytes; channel += 4) {
        let sum: f32 = 0;
        for (let v = yFirst; v < yLast; v++) {
          for (let u = xFirst; u < xLast; u++) {
            sum += load<f32>(picture + <usize>(v * inWidth + u) * pixelBytes + channel);
          }
        }
        store<f32>(target + channel, sum * share);
      }
    }
  }
}

/** The first window along an axis that reaches a pixel. @param at of the pixel, counted with the padding before. */
// @ts-ignore: decorator
@inline
function firstWindow(at: i32, window: i32, stride: i32): i32 {
  return at < window ? 0 : (at - window) / stride + 1;
}

/**
 * dx [batch, inHeight, inWidth, channels] of average pooling: the sum over the windows that a pixel is in of dy divided by
 * the window's number of pixels.
 */
export function averagePoolGradient(
  chunk: i32,
  chunks: i32,
  dy: usize,
  dx: usize,
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
  const firstRow = chunkStart(batch * inHeight, chunks, chunk);
  const lastRow = chunkStart(batch * inHeight, chunks, chunk + 1);
  memory.fill(
    dx + <usize>(firstRow * inWidth) * pixelBytes,
    0,
    <usize>((lastRow - firstRow) * inWidth) * pixelBytes,
  );
  for (let row = firstRow; row < lastRow; row++) {
    const gradients = dy + <usize>((row / inHeight) * height * width) * pixelBytes;
    const y = (row % inHeight) + top;
    const lastV = min(y / strideHeight, height - 1);
    for (let v = firstWindow(y, windowHeight, strideHeight); v <= lastV; v++) {
      const yFirst = v * strideHeight - top;
      const rows = min(yFirst + windowHeight, inHeight) - max(yFirst, 0);
      for (let u = 0; u < width; u++) {
        const x = u * strideWidth - left;
        const xFirst = max(x, 0);
        const xLast = min(x + windowWidth, inWidth);
        const share = <f32>1 / <f32>(rows * (xLast - xFirst));
        const gradient = gradients + <usize>(v * width + u) * pixelBytes;
        for (let column = xFirst; column < xLast; column++) {
          const target = dx + <usize>(row * inWidth + column) * pixelBytes;
          let channel: usize = 0;
          for (; channel + 16 <= pixelBytes; channel += 16) {
            const part = f32x4.mul(v128.load(gradient + channel), f32x4.splat(share));
            v128.store(target + channel, f32x4.add(v128.load(target + channel), part));
          }
          for (; channel < pixelBytes; channel += 4) {
            store<f32>(target + channel, load<f32>(target + channel) + load<f32>(gradient + channel) * share);
          }
        }
      }
    }
  }
}
