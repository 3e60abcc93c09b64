import { chunkStart } from '../../wasm/assembly/chunks';

/** Channels that a chunk of sums computes at once. */
const GROUP: i32 = 16;
/** Pixels whose sum is rounded on its own, so that errors do not grow with the size of the maps. */
const BLOCK: i32 = 64;

/** y = x * factors[picture, channel], of x [batch, pixels, channels]. */
export function scaleMaps(
  chunk: i32,
  chunks: i32,
  x: usize,
  factors: usize,
  y: usize,
  batch: i32,
  pixels: i32,
  channels: i32,
): void {
  const pixelBytes = <usize>channels << 2;
  const last = chunkStart(batch * pixels, chunks, chunk + 1);
  for (let pixel = chunkStart(batch * pixels, chunks, chunk); pixel < last; pixel++) {
    const at = <usize>pixel * pixelBytes;
    const factor = factors + <usize>(pixel / pixels) * pixelBytes;
    let channel: usize = 0;
    for (; channel + 16 <= pixelBytes; channel += 16) {
      const product = f32x4.mul(v128.load(x + at + channel), v128.load(factor + channel));
      v128.store(y + at + channel, product);
    }
    for (; channel < pixelBytes; channel += 4) {
      store<f32>(y + at + channel, load<f32>(x + at + channel) * load<f32>(factor + channel));
    }
  }
}

/** y [batch, pixels, channels] = values[picture, channel] / divisor. */
export function spreadMaps(
  chunk: i32,
  chunks: i32,
  values: usize,
  y: usize,
  batch: i32,
  pixels: i32,
  channels: i32,
  divisor: f32,
): void {
  const pixelBytes = <usize>channels << 2;
  const last = chunkStart(batch * pixels, chunks, chunk + 1);
  for (let pixel = chunkStart(batch * pixels, chunks, chunk); pixel < last; pixel++) {
    const target = y + <usize>pixel * pixelBytes;
    const value = values + <usize>(pixel / pixels) * pixelBytes;
    let channel: usize = 0;
    for (; channel + 16 <= pixelBytes; channel += 16) {
      v128.store(target + channel, f32x4.div(v128.load(value + channel), f32x4.splat(divisor)));
    }
    for (; channel < pixelBytes; channel += 4) {
      store<f32>(target + channel, load<f32>(value + channel) / divisor);
    }
  }
}

/** sums [batch, channels]: over the pixels of a, or where b is not 0 of a * b, both [batch, pixels, channels]; then / divisor. */
export function sumMaps(
  chunk: i32,
  chunks: i32,
  a: usize,
  b: usize,
  sums: usize,
  batch: i32,
  pixels: i32,
  channels: i32,
  divisor: f32,
): void {
  const groups = (channels + GROUP - 1) / GROUP;
  const last = chunkStart(batch * groups, chunks, chunk + 1);
  for (let item = chunkStart(batch * groups, chunks, chunk); item < last; item++) {
    const picture = item / groups;
    const first = (item % groups) * GROUP;
    const end = min(first + GROUP, channels);
    const from = <usize>(picture * pixels * channels) << 2;
    let channel = first;
    for (; channel + 4 <= end; channel += 4) {
      const at = from + (<usize>channel << 2);
      const sum = sumOfFour(a + at, b == 0 ? 0 : b + at, pixels, channels);
      v128.store(sums + (<usize>(picture * channels + channel) << 2), f32x4.div(sum, f32x4.splat(divisor)));
    }
    for (; channel < end; channel++) {
      const at = from + (<usize>channel << 2);
      const sum = sumOfOne(a + at, b == 0 ? 0 : b + at, pixels, channels);
      store<f32>(sums + (<usize>(picture * channels + channel) << 2), sum / divisor);
    }
  }
}

// @ts-ignore: decorator
@inline
function sumOfFour(a: usize, b: usize, pixels: i32, channels: i32): v128 {
  const pixelBytes = <usize>channels << 2;
  let total = f32x4.splat(0);
  for (let block = 0; block < pixels; block += BLOCK) {
    let sum = f32x4.splat(0);
    const end = min(block + BLOCK, pixels);
    for (let pixel = block; pixel < end; pixel++) {
      const at = <usize>pixel * pixelBytes;
      const value = v128.load(a + at);
      sum = f32x4.add(sum, b == 0 ? value : f32x4.mul(value, v128.load(b + at)));
    }
    total = f32x4.add(total, sum);
  }
  return total;
}

// @ts-ignore: decorator
@inline
function sumOfOne(a: usize, b: usize, pixels: i32, channels: i32): f32 {
  const pixelBytes = <usize>channels << 2;
  let total: f32 = 0;
  for (let block = 0; block < pixels; block += BLOCK) {
    let sum: f32 = 0;
    const end = min(block + BLOCK, pixels);
    for (let pixel = block; pixel < end; pixel++) {
      const at = <usize>pixel * pixelBytes;
      sum += b == 0 ? load<f32>(a + at) : load<f32>(a + at) * load<f32>(b + at);
    }
    total += sum;
  }
  return total;
}
