import { chunkStart } from '../../wasm/assembly/chunks';

/**
 * a [rows, inner] times the transpose of b [columns, inner]: the gradient of a fully
 * connected layer's input, where b are its weights, read once. Four rows of a by two of b are summed in registers,
 * four partial sums each, which are added at the end.
 */
export function matMulTransposeB(
  chunk: i32,
  chunks: i32,
  a: usize,
  b: usize,
  output: usize,
  rows: i32,
  inner: i32,
  columns: i32,
): void {
  const innerBytes = <usize>inner << 2;
  const vectorBytes = <usize>(inner & ~3) << 2;
  const first = chunkStart(columns, chunks, chunk);
  const last = chunkStart(columns, chunks, chunk + 1);
  for (let column = first; column < last; column += 2) {
    const other = min(column + 1, last - 1);
    const b0 = b + <usize>column * innerBytes;
    const b1 = b + <usize>other * innerBytes;
    for (let row = 0; row < rows; row += 4) {
      const row1 = min(row + 1, rows - 1);
      const row2 = min(row + 2, rows - 1);
      const row3 = min(row + 3, rows - 1);
      const r0 = a + <usize>row * innerBytes;
      const r1 = a + <usize>row1 * innerBytes;
      const r2 = a + <usize>row2 * innerBytes;
      const r3 = a + <usize>row3 * innerBytes;
      let s00 = f32x4.splat(0);
      let s01 = f32x4.splat(0);
      let s10 = f32x4.splat(0);
      let s11 = f32x4.splat(0);
      let s20 = f32x4.splat(0);
      let s21 = f32x4.splat(0);
      let s30 = f32x4.splat(0);
      let s31 = f32x4.splat(0);
      for (let k: usize = 0; k < vectorBytes; k += 16) {
        const p = v128.load(b0 + k);
        const q = v128.load(b1 + k);
        let x = v128.load(r0 + k);
        s00 = f32x4.add(s00, f32x4.mul(x, p));
        s01 = f32x4.add(s01, f32x4.mul(x, q));
        x = v128.load(r1 + k);
        s10 = f32x4.add(s10, f32x4.mul(x, p));
        s11 = f32x4.add(s11, f32x4.mul(x, q));
        x = v128.load(r2 + k);
        s20 = f32x4.add(s20, f32x4.mul(x, p));
        s21 = f32x4.add(s21, f32x4.mul(x, q));
        x = v128.load(r3 + k);
        s30 = f32x4.add(s30, f32x4.mul(x, p));
        s31 = f32x4.add(s31, f32x4.mul(x, q));
      }
      store<f32>(output + (<usize>(row * columns + column) << 2), horizontalSum(s00) + remainder(r0, b0, vectorBytes, innerBytes));
      store<f32>(output + (<usize>(row * columns + other) << 2), horizontalSum(s01) + remainder(r0, b1, vectorBytes, innerBytes));
      store<f32>(output + (<usize>(row1 * columns + column) << 2), horizontalSum(s10) + remainder(r1, b0, vectorBytes, innerBytes));
      store<f32>(output + (<usize>(row1 * columns + other) << 2), horizontalSum(s11) + remainder(r1, b1, vectorBytes, innerBytes));
      store<f32>(output + (<usize>(row2 * columns + column) << 2), horizontalSum(s20) + remainder(r2, b0, vectorBytes, innerBytes));
      store<f32>(output + (<usize>(row2 * columns + other) << 2), horizontalSum(s21) + remainder(r2, b1, vectorBytes, innerBytes));
      store<f32>(output + (<usize>(row3 * columns + column) << 2), horizontalSum(s30) + remainder(r3, b0, vectorBytes, innerBytes));
      store<f32>(output + (<usize>(row3 * columns + other) << 2), horizontalSum(s31) + remainder(r3, b1, vectorBytes, innerBytes));
    }
  }
}

// @ts-ignore: decorator
@inline
function horizontalSum(sums: v128): f32 {
  return (
    f32x4.extract_lane(sums, 0) +
    f32x4.extract_lane(sums, 1) +
    (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3))
  );
}

/** The products beyond the last whole vector of four. */
// @ts-ignore: decorator
@inline
function remainder(p: usize, q: usize, from: usize, to: usize): f32 {
  let sum: f32 = 0;
  for (let k = from; k < to; k += 4) sum += load<f32>(p + k) * load<f32>(q + k);
  return sum;
}
