import { chunkStart } from '../../wasm/assembly/chunks';
import { multiplyAdd } from '../../wasm/assembly/multiply_add';

/**
 * The transpose of a [inner, rows] times b [inner, columns]: the gradient of a fully connected layer's
 * weights, where inner is the batch. Four rows by eight columns are summed in registers.
 * Each chunk first copies b into blocks of eight columns, [columns / 8, inner, 8], in a part of `scratch` of its own:
 * rows that lie 4096 bytes apart would evict each other from the cache.
 */
export function matMulTransposeA(
  chunk: i32,
  chunks: i32,
  a: usize,
  b: usize,
  output: usize,
  scratch: usize,
  rows: i32,
  inner: i32,
  columns: i32,
): void {
  const blocks = scratch + <usize>((columns >> 3) * inner * chunk) * 32;
  const aBytes = <usize>rows << 2;
  const rowBytes = <usize>columns << 2;
  const vectorBytes = <usize>(columns & ~7) << 2;
  const first = chunkStart(rows, chunks, chunk);
  const last = chunkStart(rows, chunks, chunk + 1);
  let block = blocks;
  for (let column: usize = 0; column < vectorBytes; column += 32) {
    for (let k = 0; k < inner; k++) {
      v128.store(block, v128.load(b + <usize>k * rowBytes + column));
      v128.store(block, v128.load(b + <usize>k * rowBytes + column, 16), 16);
      block += 32;
    }
  }
  for (let row = first; row < last; row += 4) {
    // Beyond the last row, that row is computed again.
    const offset1 = <usize>(min(row + 1, last - 1) - row);
    const offset2 = <usize>(min(row + 2, last - 1) - row);
    const offset3 = <usize>(min(row + 3, last - 1) - row);
    let q = blocks;
    for (let column: usize = 0; column < vectorBytes; column += 32) {
      let a0 = f32x4.splat(0);
      let a1 = f32x4.splat(0);
      let b0 = f32x4.splat(0);
      let b1 = f32x4.splat(0);
      let c0 = f32x4.splat(0);
      let c1 = f32x4.splat(0);
      let d0 = f32x4.splat(0);
      let d1 = f32x4.splat(0);
      let p = a + (<usize>row << 2);
      for (let k = 0; k < inner; k++) {
        const g0 = v128.load(q);
        const g1 = v128.load(q, 16);
        let factor = v128.load32_splat(p);
        a0 = multiplyAdd(factor, g0, a0);
        a1 = multiplyAdd(factor, g1, a1);
        factor = v128.load32_splat(p + (offset1 << 2));
        b0 = multiplyAdd(factor, g0, b0);
        b1 = multiplyAdd(factor, g1, b1);
        factor = v128.load32_splat(p + (offset2 << 2));
        c0 = multiplyAdd(factor, g0, c0);
        c1 = multiplyAdd(factor, g1, c1);
        factor = v128.load32_splat(p + (offset3 << 2));
        d0 = multiplyAdd(factor, g0, d0);
        d1 = multiplyAdd(factor, g1, d1);
        p += aBytes;
        q += 32;
      }
      const target = output + <usize>row * rowBytes + column;
      v128.store(target, a0);
      v128.store(target, a1, 16);
      v128.store(target + offset1 * rowBytes, b0);
      v128.store(target + offset1 * rowBytes, b1, 16);
      v128.store(target + offset2 * rowBytes, c0);
      v128.store(target + offset2 * rowBytes, c1, 16);
      v128.store(target + offset3 * rowBytes, d0);
      v128.store(target + offset3 * rowBytes, d1, 16);
    }
  }
  for (let row = first; row < last; row++) {
    for (let column = vectorBytes; column < rowBytes; column += 4) {
      let sum: f32 = 0;
      for (let k = 0; k < inner; k++) {
        sum += load<f32>(a + <usize>k * aBytes + (<usize>row << 2)) * load<f32>(b + <usize>k * rowBytes + column);
      }
      store<f32>(output + <usize>row * rowBytes + column, sum);
    }
  }
}
