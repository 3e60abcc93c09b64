import { address, chunkStart, integer } from '../../wasm/assembly/arguments';

/**
 * Partial sums over the rows of [rows, columns]: part i of [parts, columns] sums the i-th share of the rows. The
 * parts are added in their order afterwards (parts = 1), so that the threads do not change the result.
 * Arguments: input, output, parts, rows, columns.
 */
export function sumRows(args: usize, part: i32): void {
  const input = address(args, 0);
  const output = address(args, 1);
  const parts = integer(args, 2);
  const rows = integer(args, 3);
  const columns = integer(args, 4);

  const rowBytes = <usize>columns << 2;
  const sums = output + <usize>part * rowBytes;
  memory.fill(sums, 0, rowBytes);
  const last = chunkStart(rows, parts, part + 1);
  for (let row = chunkStart(rows, parts, part); row < last; row++) {
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
