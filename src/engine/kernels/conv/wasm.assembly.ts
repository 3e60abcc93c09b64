import { chunkStart } from '../../wasm/assembly/chunks';
import { storeLanes } from '../../wasm/assembly/lanes';
import { multiplyAdd } from '../../wasm/assembly/multiply_add';

/**
 * Convolution of padded pictures [batch, inHeight, inWidth, inputs] with a packed filter (pack_filter.ts), plus
 * bias (padded to whole blocks of eight; address 0: none) -> [batch, height, width, outputs].
 * The sums of four pixels by eight outputs are kept in registers.
 */
export function convolve(
  chunk: i32,
  chunks: i32,
  input: usize,
  filter: usize,
  bias: usize,
  output: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  inputs: i32,
  height: i32,
  width: i32,
  outputs: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
): void {
  const blocks = (outputs + 7) >> 3;
  const run = <usize>(kernelWidth * inputs * 4);
  const filterBytes = <usize>kernelHeight * run * 8;
  const rowBytes = <usize>(inWidth * inputs * 4);
  const pixelBytes = <usize>(strideWidth * inputs * 4);
  const firstRow = chunkStart(batch * height, chunks, chunk);
  const lastRow = chunkStart(batch * height, chunks, chunk + 1);
  for (let row = firstRow; row < lastRow; row++) {
    const inputRow = input + <usize>((row / height) * inHeight + (row % height) * strideHeight) * rowBytes;
    const outputRow = output + <usize>(row * width * outputs * 4);
    for (let block = 0; block < blocks; block++) {
      const filterBlock = filter + <usize>block * filterBytes;
      const biasBlock = bias + (block << 5);
      const lanes = outputs - (block << 3);
      for (let x = 0; x < width; x += 4) {
        // Beyond the end of the row, its last pixel is computed again.
        const x1 = min(x + 1, width - 1);
        const x2 = min(x + 2, width - 1);
        const x3 = min(x + 3, width - 1);
        let a0 = bias ? v128.load(biasBlock) : f32x4.splat(0);
        let a1 = bias ? v128.load(biasBlock, 16) : f32x4.splat(0);
        let b0 = a0;
        let b1 = a1;
        let c0 = a0;
        let c1 = a1;
        let d0 = a0;
        let d1 = a1;
        let weights = filterBlock;
        let pa = inputRow + <usize>x * pixelBytes;
        let pb = inputRow + <usize>x1 * pixelBytes;
        let pc = inputRow + <usize>x2 * pixelBytes;
        let pd = inputRow + <usize>x3 * pixelBytes;
        for (let ky = 0; ky < kernelHeight; ky++) {
          for (let offset: usize = 0; offset < run; offset += 4) {
            const w0 = v128.load(weights);
            const w1 = v128.load(weights, 16);
            weights += 32;
            const a = v128.load32_splat(pa + offset);
            a0 = multiplyAdd(a, w0, a0);
            a1 = multiplyAdd(a, w1, a1);
            const b = v128.load32_splat(pb + offset);
            b0 = multiplyAdd(b, w0, b0);
            b1 = multiplyAdd(b, w1, b1);
            const c = v128.load32_splat(pc + offset);
            c0 = multiplyAdd(c, w0, c0);
            c1 = multiplyAdd(c, w1, c1);
            const d = v128.load32_splat(pd + offset);
            d0 = multiplyAdd(d, w0, d0);
            d1 = multiplyAdd(d, w1, d1);
          }
          pa += rowBytes;
          pb += rowBytes;
          pc += rowBytes;
          pd += rowBytes;
        }
        const target = outputRow + ((block << 3) << 2);
        storeLanes(target + <usize>(x * outputs * 4), a0, a1, lanes);
        storeLanes(target + <usize>(x1 * outputs * 4), b0, b1, lanes);
        storeLanes(target + <usize>(x2 * outputs * 4), c0, c1, lanes);
        storeLanes(target + <usize>(x3 * outputs * 4), d0, d1, lanes);
      }
    }
  }
}
