import { chunkStart } from '../../wasm/assembly/chunks';
import { multiplyAdd } from '../../wasm/assembly/multiply_add';

/**
 * Depthwise convolution of input [batch, inHeight, inWidth, channels] with filter [kernelHeight, kernelWidth,
 * channels], plus bias [channels] (address 0: none) -> output [batch, height, width, channels].
 * Four channels at a time; four pixels share the filter where their windows lie within the picture.
 */
export function depthwiseConvolve(
  chunk: i32,
  chunks: i32,
  input: usize,
  filter: usize,
  bias: usize,
  output: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  height: i32,
  width: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  stride: i32,
  top: i32,
  left: i32,
): void {
  const pixelBytes = <usize>channels << 2;
  const step = <usize>stride * pixelBytes;
  const rowBytes = <usize>inWidth * pixelBytes;
  const firstRow = chunkStart(batch * height, chunks, chunk);
  const lastRow = chunkStart(batch * height, chunks, chunk + 1);
  for (let row = firstRow; row < lastRow; row++) {
    const picture = input + <usize>(row / height) * <usize>inHeight * rowBytes;
    const y = (row % height) * stride - top;
    const uFirst = max(0, -y);
    const uLast = min(kernelHeight, inHeight - y);
    let target = output + <usize>(row * width) * pixelBytes;
    for (let column = 0; column < width; ) {
      const x = column * stride - left;
      if (x >= 0 && column + 4 <= width && x + 3 * stride + kernelWidth <= inWidth) {
        for (let channel: usize = 0; channel < pixelBytes; channel += 16) {
          if (channel + 16 > pixelBytes) {
            for (let i = 0; i < 4; i++) {
              scalarPixel(picture, filter, bias, target + <usize>i * pixelBytes, channel, pixelBytes, rowBytes, y, x + i * stride, uFirst, uLast, 0, kernelWidth, kernelWidth);
            }
            break;
          }
          let a = bias ? v128.load(bias + channel) : f32x4.splat(0);
          let b = a;
          let c = a;
          let d = a;
          for (let u = uFirst; u < uLast; u++) {
            let p = picture + <usize>(y + u) * rowBytes + <usize>x * pixelBytes + channel;
            let w = filter + <usize>(u * kernelWidth) * pixelBytes + channel;
            for (let v = 0; v < kernelWidth; v++) {
              const weight = v128.load(w);
              a = multiplyAdd(v128.load(p), weight, a);
              b = multiplyAdd(v128.load(p + step), weight, b);
              c = multiplyAdd(v128.load(p + 2 * step), weight, c);
              d = multiplyAdd(v128.load(p + 3 * step), weight, d);
              p += pixelBytes;
              w += pixelBytes;
            }
          }
          v128.store(target + channel, a);
          v128.store(target + pixelBytes + channel, b);
          v128.store(target + 2 * pixelBytes + channel, c);
          v128.store(target + 3 * pixelBytes + channel, d);
        }
        column += 4;
        target += 4 * pixelBytes;
        continue;
      }
      const vFirst = max(0, -x);
      const vLast = min(kernelWidth, inWidth - x);
      let channel: usize = 0;
      for (; channel + 16 <= pixelBytes; channel += 16) {
        let a = bias ? v128.load(bias + channel) : f32x4.splat(0);
        for (let u = uFirst; u < uLast; u++) {
          let p = picture + <usize>(y + u) * rowBytes + <usize>(x + vFirst) * pixelBytes + channel;
          let w = filter + <usize>(u * kernelWidth + vFirst) * pixelBytes + channel;
          for (let v = vFirst; v < vLast; v++) {
            a = multiplyAdd(v128.load(p), v128.load(w), a);
            p += pixelBytes;
            w += pixelBytes;
          }
        }
        v128.store(target + channel, a);
      }
      scalarPixel(picture, filter, bias, target, channel, pixelBytes, rowBytes, y, x, uFirst, uLast, vFirst, vLast, kernelWidth);
      column++;
      target += pixelBytes;
    }
  }
}

/** The channels of one pixel from `first` on, in bytes: those behind the last whole four. */
function scalarPixel(
  picture: usize,
  filter: usize,
  bias: usize,
  target: usize,
  first: usize,
  pixelBytes: usize,
  rowBytes: usize,
  y: i32,
  x: i32,
  uFirst: i32,
  uLast: i32,
  vFirst: i32,
  vLast: i32,
  kernelWidth: i32,
): void {
  for (let channel = first; channel < pixelBytes; channel += 4) {
    let sum: f32 = bias ? load<f32>(bias + channel) : 0;
    for (let u = uFirst; u < uLast; u++) {
      for (let v = vFirst; v < vLast; v++) {
        const value = load<f32>(picture + <usize>(y + u) * rowBytes + <usize>(x + v) * pixelBytes + channel);
        sum += value * load<f32>(filter + <usize>(u * kernelWidth + v) * pixelBytes + channel);
      }
    }
    store<f32>(target + channel, sum);
  }
}

/**
 * The input's gradient dx [batch, inHeight, inWidth, channels] from dy [batch, height, width, channels]: each pixel
 * gathers from the outputs whose windows hold it. Parameters as above.
 */
export function depthwiseInputGradient(
  chunk: i32,
  chunks: i32,
  dy: usize,
  filter: usize,
  dx: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  height: i32,
  width: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  stride: i32,
  top: i32,
  left: i32,
): void {
  const pixelBytes = <usize>channels << 2;
  const firstRow = chunkStart(batch * inHeight, chunks, chunk);
  const lastRow = chunkStart(batch * inHeight, chunks, chunk + 1);
  for (let row = firstRow; row < lastRow; row++) {
    const gradients = dy + <usize>((row / inHeight) * height * width) * pixelBytes;
    const y = (row % inHeight) + top;
    // Kernel rows u for which (y - u) / stride is a row of dy; the same with columns below.
    const uFirst = max(y % stride, y - (height - 1) * stride);
    const uLast = min(kernelHeight, y + 1);
    for (let column = 0; column < inWidth; column++) {
      const x = column + left;
      const vFirst = max(x % stride, x - (width - 1) * stride);
      const vLast = min(kernelWidth, x + 1);
      const target = dx + <usize>(row * inWidth + column) * pixelBytes;
      // With each step of u or v, dy's row or column goes back by one.
      const gradientFirst = gradients + <usize>(((y - uFirst) / stride) * width + (x - vFirst) / stride) * pixelBytes;
      const filterFirst = filter + <usize>(uFirst * kernelWidth + vFirst) * pixelBytes;
      const filterRow = <usize>(stride * kernelWidth) * pixelBytes;
      const filterStep = <usize>stride * pixelBytes;
      let channel: usize = 0;
      for (; channel + 16 <= pixelBytes; channel += 16) {
        let sum = f32x4.splat(0);
        let gradientRow = gradientFirst + channel;
        let weightRow = filterFirst + channel;
        for (let u = uFirst; u < uLast; u += stride) {
          let p = gradientRow;
          let w = weightRow;
          for (let v = vFirst; v < vLast; v += stride) {
            sum = multiplyAdd(v128.load(p), v128.load(w), sum);
            p -= pixelBytes;
            w += filterStep;
          }
          gradientRow -= <usize>width * pixelBytes;
          weightRow += filterRow;
        }
        v128.store(target + channel, sum);
      }
      for (; channel < pixelBytes; channel += 4) {
        let sum: f32 = 0;
        for (let u = uFirst; u < uLast; u += stride) {
          const gradientRow = gradients + <usize>(((y - u) / stride) * width) * pixelBytes + channel;
          for (let v = vFirst; v < vLast; v += stride) {
            const gradient = load<f32>(gradientRow + <usize>((x - v) / stride) * pixelBytes);
            sum += gradient * load<f32>(filter + <usize>(u * kernelWidth + v) * pixelBytes + channel);
          }
        }
        store<f32>(target + channel, sum);
      }
    }
  }
}

/**
 * Partial sums of the filter's gradient: gradients [chunks, kernelHeight, kernelWidth, channels]; each chunk sums over
 * its share of dy's rows. Parameters as above.
 */
export function depthwiseFilterGradient(
  chunk: i32,
  chunks: i32,
  input: usize,
  dy: usize,
  gradients: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  height: i32,
  width: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  stride: i32,
  top: i32,
  left: i32,
): void {
  const pixelBytes = <usize>channels << 2;
  const step = <usize>stride * pixelBytes;
  const size = <usize>(kernelHeight * kernelWidth) * pixelBytes;
  const sums = gradients + <usize>chunk * size;
  memory.fill(sums, 0, size);
  const firstRow = chunkStart(batch * height, chunks, chunk);
  const lastRow = chunkStart(batch * height, chunks, chunk + 1);
  for (let row = firstRow; row < lastRow; row++) {
    const y = (row % height) * stride - top;
    const uLast = min(kernelHeight, inHeight - y);
    for (let u = max(0, -y); u < uLast; u++) {
      const inputRow = input + <usize>(((row / height) * inHeight + y + u) * inWidth) * pixelBytes;
      for (let v = 0; v < kernelWidth; v++) {
        // Columns whose pixel column * stride - left + v lies within the picture.
        const first = (max(0, left - v) + stride - 1) / stride;
        const last = inWidth + left - v <= 0 ? 0 : min(width, (inWidth - 1 + left - v) / stride + 1);
        if (first >= last) continue;
        const pixels = inputRow + <usize>(first * stride - left + v) * pixelBytes;
        const outputs = dy + <usize>(row * width + first) * pixelBytes;
        const target = sums + <usize>(u * kernelWidth + v) * pixelBytes;
        let channel: usize = 0;
        for (; channel + 16 <= pixelBytes; channel += 16) {
          let sum = v128.load(target + channel);
          let p = pixels + channel;
          let q = outputs + channel;
          for (let column = first; column < last; column++) {
            sum = multiplyAdd(v128.load(p), v128.load(q), sum);
            p += step;
            q += pixelBytes;
          }
          v128.store(target + channel, sum);
        }
        for (; channel < pixelBytes; channel += 4) {
          let sum = load<f32>(target + channel);
          let p = pixels + channel;
          let q = outputs + channel;
          for (let column = first; column < last; column++) {
            sum += load<f32>(p) * load<f32>(q);
            p += step;
            q += pixelBytes;
          }
          store<f32>(target + channel, sum);
        }
      }
    }
  }
}
