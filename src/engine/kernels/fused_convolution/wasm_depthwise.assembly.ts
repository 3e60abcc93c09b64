import { multiplyAdd } from '../../wasm/assembly/multiply_add';
import { clamp, highOf, lowOf } from './wasm_activation.assembly';

/**
 * y = activation(depthwise convolution of x + bias): rows firstRow...lastRow of y [height, width, allChannels], from x
 * [inHeight, inWidth, channels] and filter [kernelHeight, kernelWidth, allChannels]; filter, bias and y begin at the first
 * of the channels that are computed. Row 0 of x may be missing: `x` is where it would be. Each output adds its products
 * in the order of the kernel's rows and columns, wherever it lies.
 */
export function depthwiseRows(
  x: usize,
  filter: usize,
  bias: usize,
  y: usize,
  firstRow: i32,
  lastRow: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  allChannels: i32,
  width: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  stride: i32,
  top: i32,
  left: i32,
  activation: i32,
): void {
  const pixelBytes = <usize>channels << 2;
  const tapBytes = <usize>allChannels << 2;
  const rowBytes = <usize>inWidth * pixelBytes;
  for (let row = firstRow; row < lastRow; row++) {
    const inRow = row * stride - top;
    const uFirst = max(0, -inRow);
    const rows = min(kernelHeight, inHeight - inRow) - uFirst;
    const from = x + <usize>(inRow + uFirst) * rowBytes;
    const w = filter + <usize>(uFirst * kernelWidth) * tapBytes;
    for (let at = 0; at < width; at += 4) {
      // The last four overlap those before them.
      const column = max(0, min(at, width - 4));
      const to = y + <usize>(row * width + column) * tapBytes;
      const inColumn = column * stride - left;
      const pixels = from + <usize>inColumn * pixelBytes;
      const isInside = inColumn >= 0 && column + 4 <= width && inColumn + 3 * stride + kernelWidth <= inWidth;
      if (isInside && kernelWidth == 3 && stride == 1) four3s1(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, to, activation);
      else if (isInside && kernelWidth == 3 && stride == 2) four3s2(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, to, activation);
      else if (isInside && kernelWidth == 5 && stride == 1) four5s1(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, to, activation);
      else if (isInside && kernelWidth == 5 && stride == 2) four5s2(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, to, activation);
      else fourClipped(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, to, activation, inColumn, inWidth, min(4, width - column), kernelWidth, stride);
      scalarChannels(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, to, activation, inColumn, inWidth, min(4, width - column), kernelWidth, stride);
    }
  }
}

/** Four neighbouring pixels, all channels in fours; a kernel 3 wide with stride 1. */
function four3s1(
  x: usize,
  rowBytes: usize,
  pixelBytes: usize,
  filter: usize,
  tapBytes: usize,
  rows: i32,
  bias: usize,
  y: usize,
  activation: i32,
): void {
  const filterRowBytes: usize = 3 * tapBytes;
  const low = lowOf(activation);
  const high = highOf(activation);
  for (let channel: usize = 0; channel + 16 <= pixelBytes; channel += 16) {
    let a = v128.load(bias + channel);
    let b = a;
    let c = a;
    let d = a;
    let from = x + channel;
    let w = filter + channel;
    for (let u = 0; u < rows; u++) {
      const w0 = v128.load(w);
      const w1 = v128.load(w + tapBytes);
      const w2 = v128.load(w + 2 * tapBytes);
      let p = from;
      let value = v128.load(p);
      a = multiplyAdd(value, w0, a);
      p += pixelBytes;
      value = v128.load(p);
      a = multiplyAdd(value, w1, a);
      b = multiplyAdd(value, w0, b);
      p += pixelBytes;
      value = v128.load(p);
      a = multiplyAdd(value, w2, a);
      b = multiplyAdd(value, w1, b);
      c = multiplyAdd(value, w0, c);
      p += pixelBytes;
      value = v128.load(p);
      b = multiplyAdd(value, w2, b);
      c = multiplyAdd(value, w1, c);
      d = multiplyAdd(value, w0, d);
      p += pixelBytes;
      value = v128.load(p);
      c = multiplyAdd(value, w2, c);
      d = multiplyAdd(value, w1, d);
      p += pixelBytes;
      value = v128.load(p);
      d = multiplyAdd(value, w2, d);
      from += rowBytes;
      w += filterRowBytes;
    }
    let to = y + channel;
    v128.store(to, clamp(a, low, high));
    to += tapBytes;
    v128.store(to, clamp(b, low, high));
    to += tapBytes;
    v128.store(to, clamp(c, low, high));
    to += tapBytes;
    v128.store(to, clamp(d, low, high));
  }
}

/** Four neighbouring pixels, all channels in fours; a kernel 3 wide with stride 2. */
function four3s2(
  x: usize,
  rowBytes: usize,
  pixelBytes: usize,
  filter: usize,
  tapBytes: usize,
  rows: i32,
  bias: usize,
  y: usize,
  activation: i32,
): void {
  const filterRowBytes: usize = 3 * tapBytes;
  const low = lowOf(activation);
  const high = highOf(activation);
  for (let channel: usize = 0; channel + 16 <= pixelBytes; channel += 16) {
    let a = v128.load(bias + channel);
    let b = a;
    let c = a;
    let d = a;
    let from = x + channel;
    let w = filter + channel;
    for (let u = 0; u < rows; u++) {
      const w0 = v128.load(w);
      const w1 = v128.load(w + tapBytes);
      const w2 = v128.load(w + 2 * tapBytes);
      let p = from;
      let value = v128.load(p);
      a = multiplyAdd(value, w0, a);
      p += pixelBytes;
      value = v128.load(p);
      a = multiplyAdd(value, w1, a);
      p += pixelBytes;
      value = v128.load(p);
      a = multiplyAdd(value, w2, a);
      b = multiplyAdd(value, w0, b);
      p += pixelBytes;
      value = v128.load(p);
      b = multiplyAdd(value, w1, b);
      p += pixelBytes;
      value = v128.load(p);
      b = multiplyAdd(value, w2, b);
      c = multiplyAdd(value, w0, c);
      p += pixelBytes;
      value = v128.load(p);
      c = multiplyAdd(value, w1, c);
      p += pixelBytes;
      value = v128.load(p);
      c = multiplyAdd(value, w2, c);
      d = multiplyAdd(value, w0, d);
      p += pixelBytes;
      value = v128.load(p);
      d = multiplyAdd(value, w1, d);
      p += pixelBytes;
      value = v128.load(p);
      d = multiplyAdd(value, w2, d);
      from += rowBytes;
      w += filterRowBytes;
    }
    let to = y + channel;
    v128.store(to, clamp(a, low, high));
    to += tapBytes;
    v128.store(to, clamp(b, low, high));
    to += tapBytes;
    v128.store(to, clamp(c, low, high));
    to += tapBytes;
    v128.store(to, clamp(d, low, high));
  }
}

/** Four neighbouring pixels, all channels in fours; a kernel 5 wide with stride 1. */
function four5s1(
  x: usize,
  rowBytes: usize,
  pixelBytes: usize,
  filter: usize,
  tapBytes: usize,
  rows: i32,
  bias: usize,
  y: usize,
  activation: i32,
): void {
  const filterRowBytes: usize = 5 * tapBytes;
  const low = lowOf(activation);
  const high = highOf(activation);
  for (let channel: usize = 0; channel + 16 <= pixelBytes; channel += 16) {
    let a = v128.load(bias + channel);
    let b = a;
    let c = a;
    let d = a;
    let from = x + channel;
    let w = filter + channel;
    for (let u = 0; u < rows; u++) {
      const w0 = v128.load(w);
      const w1 = v128.load(w + tapBytes);
      const w2 = v128.load(w + 2 * tapBytes);
      const w3 = v128.load(w + 3 * tapBytes);
      const w4 = v128.load(w + 4 * tapBytes);
      let p = from;
      let value = v128.load(p);
      a = multiplyAdd(value, w0, a);
      p += pixelBytes;
      value = v128.load(p);
      a = multiplyAdd(value, w1, a);
      b = multiplyAdd(value, w0, b);
      p += pixelBytes;
      value = v128.load(p);
      a = multiplyAdd(value, w2, a);
      b = multiplyAdd(value, w1, b);
      c = multiplyAdd(value, w0, c);
      p += pixelBytes;
      value = v128.load(p);
      a = multiplyAdd(value, w3, a);
      b = multiplyAdd(value, w2, b);
      c = multiplyAdd(value, w1, c);
      d = multiplyAdd(value, w0, d);
      p += pixelBytes;
      value = v128.load(p);
      a = multiplyAdd(value, w4, a);
      b = multiplyAdd(value, w3, b);
      c = multiplyAdd(value, w2, c);
      d = multiplyAdd(value, w1, d);
      p += pixelBytes;
      value = v128.load(p);
      b = multiplyAdd(value, w4, b);
      c = multiplyAdd(value, w3, c);
      d = multiplyAdd(value, w2, d);
      p += pixelBytes;
      value = v128.load(p);
      c = multiplyAdd(value, w4, c);
      d = multiplyAdd(value, w3, d);
      p += pixelBytes;
      value = v128.load(p);
      d = multiplyAdd(value, w4, d);
      from += rowBytes;
      w += filterRowBytes;
    }
    let to = y + channel;
    v128.store(to, clamp(a, low, high));
    to += tapBytes;
    v128.store(to, clamp(b, low, high));
    to += tapBytes;
    v128.store(to, clamp(c, low, high));
    to += tapBytes;
    v128.store(to, clamp(d, low, high));
  }
}

/** Four neighbouring pixels, all channels in fours; a kernel 5 wide with stride 2. */
function four5s2(
  x: usize,
  rowBytes: usize,
  pixelBytes: usize,
  filter: usize,
  tapBytes: usize,
  rows: i32,
  bias: usize,
  y: usize,
  activation: i32,
): void {
  const filterRowBytes: usize = 5 * tapBytes;
  const low = lowOf(activation);
  const high = highOf(activation);
  for (let channel: usize = 0; channel + 16 <= pixelBytes; channel += 16) {
    let a = v128.load(bias + channel);
    let b = a;
    let c = a;
    let d = a;
    let from = x + channel;
    let w = filter + channel;
    for (let u = 0; u < rows; u++) {
      const w0 = v128.load(w);
      const w1 = v128.load(w + tapBytes);
      const w2 = v128.load(w + 2 * tapBytes);
      const w3 = v128.load(w + 3 * tapBytes);
      const w4 = v128.load(w + 4 * tapBytes);
      let p = from;
      let value = v128.load(p);
      a = multiplyAdd(value, w0, a);
      p += pixelBytes;
      value = v128.load(p);
      a = multiplyAdd(value, w1, a);
      p += pixelBytes;
      value = v128.load(p);
      a = multiplyAdd(value, w2, a);
      b = multiplyAdd(value, w0, b);
      p += pixelBytes;
      value = v128.load(p);
      a = multiplyAdd(value, w3, a);
      b = multiplyAdd(value, w1, b);
      p += pixelBytes;
      value = v128.load(p);
      a = multiplyAdd(value, w4, a);
      b = multiplyAdd(value, w2, b);
      c = multiplyAdd(value, w0, c);
      p += pixelBytes;
      value = v128.load(p);
      b = multiplyAdd(value, w3, b);
      c = multiplyAdd(value, w1, c);
      p += pixelBytes;
      value = v128.load(p);
      b = multiplyAdd(value, w4, b);
      c = multiplyAdd(value, w2, c);
      d = multiplyAdd(value, w0, d);
      p += pixelBytes;
      value = v128.load(p);
      c = multiplyAdd(value, w3, c);
      d = multiplyAdd(value, w1, d);
      p += pixelBytes;
      value = v128.load(p);
      c = multiplyAdd(value, w4, c);
      d = multiplyAdd(value, w2, d);
      p += pixelBytes;
      value = v128.load(p);
      d = multiplyAdd(value, w3, d);
      p += pixelBytes;
      value = v128.load(p);
      d = multiplyAdd(value, w4, d);
      from += rowBytes;
      w += filterRowBytes;
    }
    let to = y + channel;
    v128.store(to, clamp(a, low, high));
    to += tapBytes;
    v128.store(to, clamp(b, low, high));
    to += tapBytes;
    v128.store(to, clamp(c, low, high));
    to += tapBytes;
    v128.store(to, clamp(d, low, high));
  }
}

/**
 * Up to four neighbouring pixels whose windows may reach beyond the sides, any kernel and stride; inColumn: the first
 * column of the first window.
 */
function fourClipped(
  x: usize,
  rowBytes: usize,
  pixelBytes: usize,
  filter: usize,
  tapBytes: usize,
  rows: i32,
  bias: usize,
  y: usize,
  activation: i32,
  inColumn: i32,
  inWidth: i32,
  count: i32,
  kernelWidth: i32,
  stride: i32,
): void {
  const step = <usize>stride * pixelBytes;
  const low = lowOf(activation);
  const high = highOf(activation);
  for (let channel: usize = 0; channel + 16 <= pixelBytes; channel += 16) {
    let a = v128.load(bias + channel);
    let b = a;
    let c = a;
    let d = a;
    let from = x + channel;
    let w = filter + channel;
    for (let u = 0; u < rows; u++) {
      let p = from;
      for (let column = inColumn; column < inColumn + kernelWidth; column++) {
        const weight = v128.load(w);
        if (<u32>column < <u32>inWidth) a = multiplyAdd(v128.load(p), weight, a);
        if (<u32>(column + stride) < <u32>inWidth) b = multiplyAdd(v128.load(p + step), weight, b);
        if (<u32>(column + 2 * stride) < <u32>inWidth) c = multiplyAdd(v128.load(p + 2 * step), weight, c);
        if (<u32>(column + 3 * stride) < <u32>inWidth) d = multiplyAdd(v128.load(p + 3 * step), weight, d);
        p += pixelBytes;
        w += tapBytes;
      }
      from += rowBytes;
    }
    const to = y + channel;
    v128.store(to, clamp(a, low, high));
    if (count > 1) v128.store(to + tapBytes, clamp(b, low, high));
    if (count > 2) v128.store(to + 2 * tapBytes, clamp(c, low, high));
    if (count > 3) v128.store(to + 3 * tapBytes, clamp(d, low, high));
  }
}

/** The channels behind the last whole four. */
function scalarChannels(
  x: usize,
  rowBytes: usize,
  pixelBytes: usize,
  filter: usize,
  tapBytes: usize,
  rows: i32,
  bias: usize,
  y: usize,
  activation: i32,
  inColumn: i32,
  inWidth: i32,
  count: i32,
  kernelWidth: i32,
  stride: i32,
): void {
  for (let channel = pixelBytes & ~15; channel < pixelBytes; channel += 4) {
    for (let pixel = 0; pixel < count; pixel++) {
      let sum = v128.load32_zero(bias + channel);
      const first = inColumn + pixel * stride;
      for (let u = 0; u < rows; u++) {
        const from = x + <usize>u * rowBytes + <usize>(pixel * stride) * pixelBytes + channel;
        const w = filter + <usize>(u * kernelWidth) * tapBytes + channel;
        for (let v = max(0, -first); v < min(kernelWidth, inWidth - first); v++) {
          const value = v128.load32_zero(from + <usize>v * pixelBytes);
          sum = multiplyAdd(value, v128.load32_zero(w + <usize>v * tapBytes), sum);
        }
      }
      const result = clamp(sum, lowOf(activation), highOf(activation));
      v128.store_lane<f32>(y + <usize>pixel * tapBytes + channel, result, 0);
    }
  }
}
