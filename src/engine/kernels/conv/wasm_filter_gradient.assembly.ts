import { chunkStart } from '../../wasm/assembly/chunks';
import { storeLanes } from '../../wasm/assembly/lanes';
import { multiplyAdd } from '../../wasm/assembly/multiply_add';

/**
 * The filter's gradient [kernelHeight, kernelWidth, inputs, outputs] of a convolution, from its padded pictures
 * [batch, inHeight, inWidth, inputs] and dy [batch, height, width, dyChannels], dyChannels being outputs padded to
 * whole blocks of eight. A unit of work is four neighbouring (kernel column, input) rows of one kernel row by eight
 * outputs; its sums over a row of pixels stay in registers, and those over all rows in `sums`, 128 bytes per unit.
 */
export function convolveFilterGradient(
  chunk: i32,
  chunks: i32,
  input: usize,
  dy: usize,
  gradient: usize,
  sums: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  inputs: i32,
  height: i32,
  width: i32,
  outputs: i32,
  dyChannels: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
): void {
  const run = kernelWidth * inputs;
  const groups = (run + 3) >> 2;
  const blocks = dyChannels >> 3;
  const units = kernelHeight * groups * blocks;
  const firstUnit = chunkStart(units, chunks, chunk);
  const lastUnit = chunkStart(units, chunks, chunk + 1);
  const pixelBytes = <usize>(strideWidth * inputs * 4);
  const dyBytes = <usize>(dyChannels * 4);
  memory.fill(sums + <usize>firstUnit * 128, 0, <usize>(lastUnit - firstUnit) * 128);

  for (let row = 0; row < batch * height; row++) {
    const topRow = (row / height) * inHeight + (row % height) * strideHeight;
    const dyRow = dy + <usize>row * width * dyBytes;
    for (let unit = firstUnit; unit < lastUnit; unit++) {
      const block = unit % blocks;
      const group = (unit / blocks) % groups;
      const ky = unit / (blocks * groups);
      let p = input + <usize>((topRow + ky) * inWidth * inputs + group * 4) * 4;
      let q = dyRow + (block << 5);
      let a0 = f32x4.splat(0);
      let a1 = f32x4.splat(0);
      let b0 = f32x4.splat(0);
      let b1 = f32x4.splat(0);
      let c0 = f32x4.splat(0);
      let c1 = f32x4.splat(0);
      let d0 = f32x4.splat(0);
      let d1 = f32x4.splat(0);
      for (let x = 0; x < width; x++) {
        const g0 = v128.load(q);
        const g1 = v128.load(q, 16);
        const a = v128.load32_splat(p);
        a0 = multiplyAdd(a, g0, a0);
        a1 = multiplyAdd(a, g1, a1);
        const b = v128.load32_splat(p, 4);
        b0 = multiplyAdd(b, g0, b0);
        b1 = multiplyAdd(b, g1, b1);
        const c = v128.load32_splat(p, 8);
        c0 = multiplyAdd(c, g0, c0);
        c1 = multiplyAdd(c, g1, c1);
        const d = v128.load32_splat(p, 12);
        d0 = multiplyAdd(d, g0, d0);
        d1 = multiplyAdd(d, g1, d1);
        p += pixelBytes;
        q += dyBytes;
      }
      const sum = sums + <usize>unit * 128;
      v128.store(sum, f32x4.add(v128.load(sum), a0));
      v128.store(sum, f32x4.add(v128.load(sum, 16), a1), 16);
      v128.store(sum, f32x4.add(v128.load(sum, 32), b0), 32);
      v128.store(sum, f32x4.add(v128.load(sum, 48), b1), 48);
      v128.store(sum, f32x4.add(v128.load(sum, 64), c0), 64);
      v128.store(sum, f32x4.add(v128.load(sum, 80), c1), 80);
      v128.store(sum, f32x4.add(v128.load(sum, 96), d0), 96);
      v128.store(sum, f32x4.add(v128.load(sum, 112), d1), 112);
    }
  }

  for (let unit = firstUnit; unit < lastUnit; unit++) {
    const block = unit % blocks;
    const group = (unit / blocks) % groups;
    const ky = unit / (blocks * groups);
    const rows = min(4, run - group * 4);
    for (let i = 0; i < rows; i++) {
      const sum = sums + <usize>unit * 128 + <usize>i * 32;
      const target = gradient + <usize>((ky * run + group * 4 + i) * outputs + block * 8) * 4;
      storeLanes(target, v128.load(sum), v128.load(sum, 16), outputs - block * 8);
    }
  }
}
