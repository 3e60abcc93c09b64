import { chunkStart } from '../../wasm/assembly/chunks';

/** Partial sums over the rows of input [rows, columns] -> output [chunks, columns]. */
export function sumRows(
  chunk: i32,
  chunks: i32,
  input: usize,
  output: usize,
  rows: i32,
  columns: i32,
): void {
  const rowBytes = <usize>columns << 2;
  const sums = output + <usize>chunk * rowBytes;
  memory.fill(sums, 0, rowBytes);
  const last = chunkStart(rows, chunks, chunk + 1);
  for (let row = chunkStart(rows, chunks, chunk); row < last; row++) {
    const values = input + <usize>row * rowBytes;
    let column: usize = 0;
    for (; column + 16 <= rowBytes; column += 16) {
      v128.store(sums + column, f32x4.add(v128.load(sums + column), v128.load(values + column)));
    }
    for (; column < rowBytes; column += 4) {
      store<f32>(sums + column, load<f32>(sums + column) + load<f32>(values + column));
    }
  }
}
