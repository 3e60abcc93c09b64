/** Columns side by side, two spaces apart; those named in `left` begin at the left, the others end at the right. */
export function table(rows: string[][], left: number[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? '')].length)),
  );
  const pad = (cell: string, column: number) => {
    const space = ' '.repeat((widths[column] as number) - [...cell].length);
    return left.includes(column) ? cell + space : space + cell;
  };
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}
