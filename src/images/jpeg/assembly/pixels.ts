import { allocate } from './memory';
import { plan } from './plan';
import { Axis, dot } from './resample';

/**
 * Pixels u8 [rows, columns, 3] -> f32 planes of Y, Cb and Cr around 128 (JFIF), or of Y alone, from `to` on in rows of the
 * result.
 */
export function resamplePixels(pixels: usize, across: Axis, down: Axis, to: usize): void {
  const columns = across.samples;
  const rowBytes = <usize>columns * 3;
  const colours = allocate(rowBytes * 4);
  const lineBytes = <usize>(columns + across.taps) * 4;
  const lines = allocate(lineBytes * 3);
  memory.fill(lines, 0, lineBytes * 3);
  const planeBytes = <usize>(plan.outWidth * plan.outHeight) * 4;
  for (let y = 0; y < down.results; y++) {
    const first = load<i32>(down.firsts + (<usize>y << 2));
    const count = load<i32>(down.counts + (<usize>y << 2));
    blendBytes(pixels + <usize>first * rowBytes, rowBytes, count, down.weights + <usize>(y * down.taps) * 4, colours);
    split(colours, columns, lines, lineBytes);
    for (let index = 0; index < plan.planes; index++) {
      const line = lines + <usize>index * lineBytes;
      const row = to + <usize>index * planeBytes + <usize>(y * plan.outWidth) * 4;
      for (let x = 0; x < across.results; x++) {
        const from = line + (<usize>load<i32>(across.firsts + (<usize>x << 2)) << 2);
        store<f32>(row + (<usize>x << 2), dot(from, across.weights + <usize>(x * across.taps) * 4, across.taps));
      }
    }
  }
}

/** The weighted sum of some rows of bytes, f32. */
function blendBytes(rows: usize, rowBytes: usize, count: i32, weights: usize, to: usize): void {
  for (let x: usize = 0; x < rowBytes; x += 16) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let from = rows + x;
    for (let tap: usize = 0; tap < <usize>count << 2; tap += 4) {
      const weight = v128.load32_splat(weights + tap);
      const bytes = v128.load(from);
      const low = i16x8.extend_low_i8x16_u(bytes);
      const high = i16x8.extend_high_i8x16_u(bytes);
      a = f32x4.add(a, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low)), weight));
      b = f32x4.add(b, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low)), weight));
      c = f32x4.add(c, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high)), weight));
      d = f32x4.add(d, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(high)), weight));
      from += rowBytes;
    }
    v128.store(to + (x << 2), a);
    v128.store(to + (x << 2), b, 16);
    v128.store(to + (x << 2), c, 32);
    v128.store(to + (x << 2), d, 48);
  }
}

/** RGB f32 [columns, 3] -> lines of Y, Cb and Cr. */
function split(colours: usize, columns: i32, lines: usize, lineBytes: usize): void {
  for (let x: usize = 0; x < <usize>columns << 2; x += 4) {
    const from = colours + x * 3;
    const red = load<f32>(from);
    const green = load<f32>(from, 4);
    const blue = load<f32>(from, 8);
    const y: f32 = <f32>0.299 * red + <f32>0.587 * green + <f32>0.114 * blue;
    store<f32>(lines + x, y);
    store<f32>(lines + lineBytes + x, (blue - y) / <f32>1.772 + 128);
    store<f32>(lines + 2 * lineBytes + x, (red - y) / <f32>1.402 + 128);
  }
}
