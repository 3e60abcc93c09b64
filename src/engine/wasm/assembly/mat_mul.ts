import { address, chunkStart, integer } from './arguments';

/**
 * a [rows, inner] times b [inner, columns], plus bias [columns] (address 0: none).
 * b is large and read once, a row after the other; the sums, which fit the cache, are in the output.
 * Arguments: a, b, bias, output, chunks, rows, inner, columns.
 */
export function matMul(args: usize, chunk: i32): void {
  const a = address(args, 0);
  const b = address(args, 1);
  const bias = address(args, 2);
  const output = address(args, 3);
  const chunks = integer(args, 4);
  const rows = integer(args, 5);
  const inner = integer(args, 6);
  const columns = integer(args, 7);

  if (chunk == chunks - 1 && (columns & 7) != 0) multiplyRest(a, b, bias, output, rows, inner, columns);
  const first = <usize>chunkStart(columns >> 3, chunks, chunk) << 5;
  const last = <usize>chunkStart(columns >> 3, chunks, chunk + 1) << 5;
  const aBytes = <usize>inner << 2;
  const rowBytes = <usize>columns << 2;
  for (let row = 0; row < rows; row++) {
    const sums = output + <usize>row * rowBytes + first;
    if (bias) memory.copy(sums, bias + first, last - first);
    else memory.fill(sums, 0, last - first);
  }
  let k = 0;
  for (; k + 4 <= inner; k += 4) {
    const b0 = b + <usize>k * rowBytes;
    const b1 = b0 + rowBytes;
    const b2 = b1 + rowBytes;
    const b3 = b2 + rowBytes;
    for (let column = first; column < last; column += 32) {
      const p0 = v128.load(b0 + column);
      const q0 = v128.load(b0 + column, 16);
      const p1 = v128.load(b1 + column);
      const q1 = v128.load(b1 + column, 16);
      const p2 = v128.load(b2 + column);
      const q2 = v128.load(b2 + column, 16);
      const p3 = v128.load(b3 + column);
      const q3 = v128.load(b3 + column, 16);
      let factors = a + (<usize>k << 2);
      let sums = output + column;
      for (let row = 0; row < rows; row++) {
        let low = v128.load(sums);
        let high = v128.load(sums, 16);
        let factor = v128.load32_splat(factors);
        low = f32x4.add(low, f32x4.mul(factor, p0));
        high = f32x4.add(high, f32x4.mul(factor, q0));
        factor = v128.load32_splat(factors, 4);
        low = f32x4.add(low, f32x4.mul(factor, p1));
        high = f32x4.add(high, f32x4.mul(factor, q1));
        factor = v128.load32_splat(factors, 8);
        low = f32x4.add(low, f32x4.mul(factor, p2));
        high = f32x4.add(high, f32x4.mul(factor, q2));
        factor = v128.load32_splat(factors, 12);
        low = f32x4.add(low, f32x4.mul(factor, p3));
        high = f32x4.add(high, f32x4.mul(factor, q3));
        v128.store(sums, low);
        v128.store(sums, high, 16);
        factors += aBytes;
        sums += rowBytes;
      }
    }
  }
  for (; k < inner; k++) {
    for (let row = 0; row < rows; row++) {
      const factor = v128.load32_splat(a + <usize>row * aBytes + (<usize>k << 2));
      for (let column = first; column < last; column += 16) {
        const sum = output + <usize>row * rowBytes + column;
        const product = f32x4.mul(factor, v128.load(b + <usize>k * rowBytes + column));
        v128.store(sum, f32x4.add(v128.load(sum), product));
      }
    }
  }
}

/** The columns behind the last whole eight. */
function multiplyRest(a: usize, b: usize, bias: usize, output: usize, rows: i32, inner: i32, columns: i32): void {
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
