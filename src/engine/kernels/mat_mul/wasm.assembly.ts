import { chunkStart } from '../../wasm/assembly/chunks';

/**
 * a [rows, inner] times b [inner, columns], plus bias [columns] (address 0: none).
 * b is large and is read once, four rows at a time. The sums are kept in blocks of eight columns, [columns / 8, rows, 8],
 * since rows of the output that lie 4096 bytes apart would evict each other from the cache.
 */
export function matMul(
  chunk: i32,
  chunks: i32,
  a: usize,
  b: usize,
  bias: usize,
  output: usize,
  sums: usize,
  rows: i32,
  inner: i32,
  columns: i32,
): void {
  if (chunk == chunks - 1 && (columns & 7) != 0) multiplyRemainder(a, b, bias, output, rows, inner, columns);
  const first = chunkStart(columns >> 3, chunks, chunk);
  const last = chunkStart(columns >> 3, chunks, chunk + 1);
  const blockBytes = <usize>rows << 5;
  const aBytes = <usize>inner << 2;
  const rowBytes = <usize>columns << 2;
  memory.fill(sums + <usize>first * blockBytes, 0, <usize>(last - first) * blockBytes);

  for (let k = 0; k < inner; k += 4) {
    // Beyond the last row, that row is read again with factors of zero.
    const b0 = b + <usize>k * rowBytes;
    const b1 = b + <usize>min(k + 1, inner - 1) * rowBytes;
    const b2 = b + <usize>min(k + 2, inner - 1) * rowBytes;
    const b3 = b + <usize>min(k + 3, inner - 1) * rowBytes;
    const left = inner - k;
    let sum = sums + <usize>first * blockBytes;
    for (let block = first; block < last; block++) {
      const column = <usize>block << 5;
      const p0 = v128.load(b0 + column);
      const q0 = v128.load(b0 + column, 16);
      const p1 = v128.load(b1 + column);
      const q1 = v128.load(b1 + column, 16);
      const p2 = v128.load(b2 + column);
      const q2 = v128.load(b2 + column, 16);
      const p3 = v128.load(b3 + column);
      const q3 = v128.load(b3 + column, 16);
      let factors = a + (<usize>k << 2);
      for (let row = 0; row < rows; row++) {
        let low = v128.load(sum);
        let high = v128.load(sum, 16);
        let factor = v128.load32_splat(factors);
        low = f32x4.add(low, f32x4.mul(factor, p0));
        high = f32x4.add(high, f32x4.mul(factor, q0));
        factor = left > 1 ? v128.load32_splat(factors, 4) : f32x4.splat(0);
        low = f32x4.add(low, f32x4.mul(factor, p1));
        high = f32x4.add(high, f32x4.mul(factor, q1));
        factor = left > 2 ? v128.load32_splat(factors, 8) : f32x4.splat(0);
        low = f32x4.add(low, f32x4.mul(factor, p2));
        high = f32x4.add(high, f32x4.mul(factor, q2));
        factor = left > 3 ? v128.load32_splat(factors, 12) : f32x4.splat(0);
        low = f32x4.add(low, f32x4.mul(factor, p3));
        high = f32x4.add(high, f32x4.mul(factor, q3));
        v128.store(sum, low);
        v128.store(sum, high, 16);
        factors += aBytes;
        sum += 32;
      }
    }
  }

  for (let block = first; block < last; block++) {
    const column = <usize>block << 5;
    const low = bias ? v128.load(bias + column) : f32x4.splat(0);
    const high = bias ? v128.load(bias + column, 16) : f32x4.splat(0);
    for (let row = 0; row < rows; row++) {
      const sum = sums + <usize>block * blockBytes + (<usize>row << 5);
      const target = output + <usize>row * rowBytes + column;
      v128.store(target, f32x4.add(v128.load(sum), low));
      v128.store(target, f32x4.add(v128.load(sum, 16), high), 16);
    }
  }
}

/** The columns beyond the last whole block of eight. */
function multiplyRemainder(a: usize, b: usize, bias: usize, output: usize, rows: i32, inner: i32, columns: i32): void {
  for (let row = 0; row < rows; row++) {
    for (let column = columns & ~7; column < columns; column++) {
      let sum: f32 = bias ? load<f32>(bias + (column << 2)) : 0;
      for (let k = 0; k < inner; k++) {
        sum += load<f32>(a + (<usize>(row * inner + k) << 2)) * load<f32>(b + (<usize>(k * columns + column) << 2));
      }
      store<f32>(output + (<usize>(row * columns + column) << 2), sum);
    }
  }
}
