import { multiplyAdd } from '../../wasm/assembly/multiply_add';
import { clamp, highOf, lowOf } from './wasm_activation.assembly';

/**
 * Bytes from a pixel to the next, and from a tap of the filter to the next, in strips of 32 channels. As these are constants,
 * seven or eight pixels can be computed together: with fewer, each multiply-add waits for the one before.
 */
const stripStep: usize = 128;

/**
 * y = activation(depthwise convolution of x + bias) for some of the channels: rows firstRow...lastRow of y [height, width,
 * allChannels], from x [inHeight, inWidth, pixelBytes / 4] and filter [kernelHeight, kernelWidth, tapBytes / 4]; x, filter,
 * bias and y begin at the first of the channels. Row 0 of x may be missing: `x` is where it would be. Each output adds its
 * products in the order of the kernel's rows and columns, wherever it lies.
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
  pixelBytes: usize,
  tapBytes: usize,
  allChannels: i32,
  width: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  stride: i32,
  top: i32,
  left: i32,
  activation: i32,
): void {
  const bytes = <usize>channels << 2;
  const yBytes = <usize>allChannels << 2;
  const rowBytes = <usize>inWidth * pixelBytes;
  const isStrip = pixelBytes == stripStep && tapBytes == stripStep && (stride == 1 || stride == 2);
  const wide = width % 7 == 0 ? 7 : 8;
  for (let row = firstRow; row < lastRow; row++) {
    const inRow = row * stride - top;
    const uFirst = max(0, -inRow);
    const rows = min(kernelHeight, inHeight - inRow) - uFirst;
    const from = x + <usize>(inRow + uFirst) * rowBytes;
    const w = filter + <usize>(uFirst * kernelWidth) * tapBytes;
    const to = y + <usize>(row * width) * yBytes;
    for (let done = 0; done < width; ) {
      // The last pixels overlap those before them.
      let column = min(done, width - wide);
      let inColumn = column * stride - left;
      let pixels = from + <usize>inColumn * pixelBytes;
      let target = to + <usize>column * yBytes;
      if (isStrip && inColumn >= 0 && column >= 0 && inColumn + (wide - 1) * stride + kernelWidth <= inWidth) {
        if (wide == 7 && stride == 1) seven1(pixels, rowBytes, w, rows, kernelWidth, bias, bytes, target, yBytes, activation);
        else if (wide == 7) seven2(pixels, rowBytes, w, rows, kernelWidth, bias, bytes, target, yBytes, activation);
        else if (stride == 1) eight1(pixels, rowBytes, w, rows, kernelWidth, bias, bytes, target, yBytes, activation);
        else eight2(pixels, rowBytes, w, rows, kernelWidth, bias, bytes, target, yBytes, activation);
        if (channels & 3) scalarChannels(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, bytes, target, yBytes, activation, inColumn, inWidth, wide, kernelWidth, stride);
        done = column + wide;
        continue;
      }
      column = max(0, min(done, width - 4));
      inColumn = column * stride - left;
      pixels = from + <usize>inColumn * pixelBytes;
      target = to + <usize>column * yBytes;
      const isInside = inColumn >= 0 && column + 4 <= width && inColumn + 3 * stride + kernelWidth <= inWidth;
      if (isInside && kernelWidth == 3 && stride == 1) four3s1(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, bytes, target, yBytes, activation);
      else if (isInside && kernelWidth == 3 && stride == 2) four3s2(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, bytes, target, yBytes, activation);
      else if (isInside && kernelWidth == 5 && stride == 1) four5s1(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, bytes, target, yBytes, activation);
      else if (isInside && kernelWidth == 5 && stride == 2) four5s2(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, bytes, target, yBytes, activation);
      else fourClipped(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, bytes, target, yBytes, activation, inColumn, inWidth, min(4, width - column), kernelWidth, stride);
      if (channels & 3) scalarChannels(pixels, rowBytes, pixelBytes, w, tapBytes, rows, bias, bytes, target, yBytes, activation, inColumn, inWidth, min(4, width - column), kernelWidth, stride);
      done = column + 4;
    }
  }
}

/** Seven pixels of a strip, any kernel with stride 1, all channels in fours. */
export function seven1(
  x: usize,
  rowBytes: usize,
  filter: usize,
  rows: i32,
  kernelWidth: i32,
  bias: usize,
  bytes: usize,
  y: usize,
  yBytes: usize,
  activation: i32,
): void {
  const low = lowOf(activation);
  const high = highOf(activation);
  const runBytes = <usize>kernelWidth * stripStep;
  for (let channel: usize = 0; channel < (bytes & ~15); channel += 16) {
    let a = v128.load(bias + channel);
    let b = a;
    let c = a;
    let d = a;
    let e = a;
    let f = a;
    let g = a;
    let from = x + channel;
    let w = filter + channel;
    for (let u = 0; u < rows; u++) {
      const end = w + runBytes;
      let p = from;
      for (; w < end; w += stripStep, p += stripStep) {
        const weight = v128.load(w);
        a = multiplyAdd(v128.load(p), weight, a);
        b = multiplyAdd(v128.load(p, 1 * stripStep), weight, b);
        c = multiplyAdd(v128.load(p, 2 * stripStep), weight, c);
        d = multiplyAdd(v128.load(p, 3 * stripStep), weight, d);
        e = multiplyAdd(v128.load(p, 4 * stripStep), weight, e);
        f = multiplyAdd(v128.load(p, 5 * stripStep), weight, f);
        g = multiplyAdd(v128.load(p, 6 * stripStep), weight, g);
      }
      from += rowBytes;
    }
    let to = y + channel;
    v128.store(to, clamp(a, low, high));
    to += yBytes;
    v128.store(to, clamp(b, low, high));
    to += yBytes;
    v128.store(to, clamp(c, low, high));
    to += yBytes;
    v128.store(to, clamp(d, low, high));
    to += yBytes;
    v128.store(to, clamp(e, low, high));
    to += yBytes;
    v128.store(to, clamp(f, low, high));
    to += yBytes;
    v128.store(to, clamp(g, low, high));
  }
}

/** Seven pixels of a strip, any kernel with stride 2, all channels in fours. */
export function seven2(
  x: usize,
  rowBytes: usize,
  filter: usize,
  rows: i32,
  kernelWidth: i32,
  bias: usize,
  bytes: usize,
  y: usize,
  yBytes: usize,
  activation: i32,
): void {
  const low = lowOf(activation);
  const high = highOf(activation);
  const runBytes = <usize>kernelWidth * stripStep;
  for (let channel: usize = 0; channel < (bytes & ~15); channel += 16) {
    let a = v128.load(bias + channel);
    let b = a;
    let c = a;
    let d = a;
    let e = a;
    let f = a;
    let g = a;
    let from = x + channel;
    let w = filter + channel;
    for (let u = 0; u < rows; u++) {
      const end = w + runBytes;
      let p = from;
      for (; w < end; w += stripStep, p += stripStep) {
        const weight = v128.load(w);
        a = multiplyAdd(v128.load(p), weight, a);
        b = multiplyAdd(v128.load(p, 2 * stripStep), weight, b);
        c = multiplyAdd(v128.load(p, 4 * stripStep), weight, c);
        d = multiplyAdd(v128.load(p, 6 * stripStep), weight, d);
        e = multiplyAdd(v128.load(p, 8 * stripStep), weight, e);
        f = multiplyAdd(v128.load(p, 10 * stripStep), weight, f);
        g = multiplyAdd(v128.load(p, 12 * stripStep), weight, g);
      }
      from += rowBytes;
    }
    let to = y + channel;
    v128.store(to, clamp(a, low, high));
    to += yBytes;
    v128.store(to, clamp(b, low, high));
    to += yBytes;
    v128.store(to, clamp(c, low, high));
    to += yBytes;
    v128.store(to, clamp(d, low, high));
    to += yBytes;
    v128.store(to, clamp(e, low, high));
    to += yBytes;
    v128.store(to, clamp(f, low, high));
    to += yBytes;
    v128.store(to, clamp(g, low, high));
  }
}

/** Eight pixels of a strip, any kernel with stride 1, all channels in fours. */
export function eight1(
  x: usize,
  rowBytes: usize,
  filter: usize,
  rows: i32,
  kernelWidth: i32,
  bias: usize,
  bytes: usize,
  y: usize,
  yBytes: usize,
  activation: i32,
): void {
  const low = lowOf(activation);
  const high = highOf(activation);
  const runBytes = <usize>kernelWidth * stripStep;
  for (let channel: usize = 0; channel < (bytes & ~15); channel += 16) {
    let a = v128.load(bias + channel);
    let b = a;
    let c = a;
    let d = a;
    let e = a;
    let f = a;
    let g = a;
    let h = a;
    let from = x + channel;
    let w = filter + channel;
    for (let u = 0; u < rows; u++) {
      const end = w + runBytes;
      let p = from;
      for (; w < end; w += stripStep, p += stripStep) {
        const weight = v128.load(w);
        a = multiplyAdd(v128.load(p), weight, a);
        b = multiplyAdd(v128.load(p, 1 * stripStep), weight, b);
        c = multiplyAdd(v128.load(p, 2 * stripStep), weight, c);
        d = multiplyAdd(v128.load(p, 3 * stripStep), weight, d);
        e = multiplyAdd(v128.load(p, 4 * stripStep), weight, e);
        f = multiplyAdd(v128.load(p, 5 * stripStep), weight, f);
        g = multiplyAdd(v128.load(p, 6 * stripStep), weight, g);
        h = multiplyAdd(v128.load(p, 7 * stripStep), weight, h);
      }
      from += rowBytes;
    }
    let to = y + channel;
    v128.store(to, clamp(a, low, high));
    to += yBytes;
    v128.store(to, clamp(b, low, high));
    to += yBytes;
    v128.store(to, clamp(c, low, high));
    to += yBytes;
    v128.store(to, clamp(d, low, high));
    to += yBytes;
    v128.store(to, clamp(e, low, high));
    to += yBytes;
    v128.store(to, clamp(f, low, high));
    to += yBytes;
    v128.store(to, clamp(g, low, high));
    to += yBytes;
    v128.store(to, clamp(h, low, high));
  }
}

/** Eight pixels of a strip, any kernel with stride 2, all channels in fours. */
export function eight2(
  x: usize,
  rowBytes: usize,
  filter: usize,
  rows: i32,
  kernelWidth: i32,
  bias: usize,
  bytes: usize,
  y: usize,
  yBytes: usize,
  activation: i32,
): void {
  const low = lowOf(activation);
  const high = highOf(activation);
  const runBytes = <usize>kernelWidth * stripStep;
  for (let channel: usize = 0; channel < (bytes & ~15); channel += 16) {
    let a = v128.load(bias + channel);
    let b = a;
    let c = a;
    let d = a;
    let e = a;
    let f = a;
    let g = a;
    let h = a;
    let from = x + channel;
    let w = filter + channel;
    for (let u = 0; u < rows; u++) {
      const end = w + runBytes;
      let p = from;
      for (; w < end; w += stripStep, p += stripStep) {
        const weight = v128.load(w);
        a = multiplyAdd(v128.load(p), weight, a);
        b = multiplyAdd(v128.load(p, 2 * stripStep), weight, b);
        c = multiplyAdd(v128.load(p, 4 * stripStep), weight, c);
        d = multiplyAdd(v128.load(p, 6 * stripStep), weight, d);
        e = multiplyAdd(v128.load(p, 8 * stripStep), weight, e);
        f = multiplyAdd(v128.load(p, 10 * stripStep), weight, f);
        g = multiplyAdd(v128.load(p, 12 * stripStep), weight, g);
        h = multiplyAdd(v128.load(p, 14 * stripStep), weight, h);
      }
      from += rowBytes;
    }
    let to = y + channel;
    v128.store(to, clamp(a, low, high));
    to += yBytes;
    v128.store(to, clamp(b, low, high));
    to += yBytes;
    v128.store(to, clamp(c, low, high));
    to += yBytes;
    v128.store(to, clamp(d, low, high));
    to += yBytes;
    v128.store(to, clamp(e, low, high));
    to += yBytes;
    v128.store(to, clamp(f, low, high));
    to += yBytes;
    v128.store(to, clamp(g, low, high));
    to += yBytes;
    v128.store(to, clamp(h, low, high));
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
  bytes: usize,
  y: usize,
  yBytes: usize,
  activation: i32,
): void {
  const filterRowBytes: usize = 3 * tapBytes;
  const low = lowOf(activation);
  const high = highOf(activation);
  for (let channel: usize = 0; channel + 16 <= bytes; channel += 16) {
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
    to += yBytes;
    v128.store(to, clamp(b, low, high));
    to += yBytes;
    v128.store(to, clamp(c, low, high));
    to += yBytes;
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
  bytes: usize,
  y: usize,
  yBytes: usize,
  activation: i32,
): void {
  const filterRowBytes: usize = 3 * tapBytes;
  const low = lowOf(activation);
  const high = highOf(activation);
  for (let channel: usize = 0; channel + 16 <= bytes; channel += 16) {
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
    to += yBytes;
    v128.store(to, clamp(b, low, high));
    to += yBytes;
    v128.store(to, clamp(c, low, high));
    to += yBytes;
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
  bytes: usize,
  y: usize,
  yBytes: usize,
  activation: i32,
): void {
  const filterRowBytes: usize = 5 * tapBytes;
  const low = lowOf(activation);
  const high = highOf(activation);
  for (let channel: usize = 0; channel + 16 <= bytes; channel += 16) {
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
    to += yBytes;
    v128.store(to, clamp(b, low, high));
    to += yBytes;
    v128.store(to, clamp(c, low, high));
    to += yBytes;
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
  bytes: usize,
  y: usize,
  yBytes: usize,
  activation: i32,
): void {
  const filterRowBytes: usize = 5 * tapBytes;
  const low = lowOf(activation);
  const high = highOf(activation);
  for (let channel: usize = 0; channel + 16 <= bytes; channel += 16) {
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
    to += yBytes;
    v128.store(to, clamp(b, low, high));
    to += yBytes;
    v128.store(to, clamp(c, low, high));
    to += yBytes;
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
  bytes: usize,
  y: usize,
  yBytes: usize,
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
  for (let channel: usize = 0; channel + 16 <= bytes; channel += 16) {
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
    if (count > 1) v128.store(to + yBytes, clamp(b, low, high));
    if (count > 2) v128.store(to + 2 * yBytes, clamp(c, low, high));
    if (count > 3) v128.store(to + 3 * yBytes, clamp(d, low, high));
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
  bytes: usize,
  y: usize,
  yBytes: usize,
  activation: i32,
  inColumn: i32,
  inWidth: i32,
  count: i32,
  kernelWidth: i32,
  stride: i32,
): void {
  for (let channel = bytes & ~15; channel < bytes; channel += 4) {
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
      v128.store_lane<f32>(y + <usize>pixel * yBytes + channel, result, 0);
    }
  }
}
