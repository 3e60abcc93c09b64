/**
 * Columns side by side, two spaces apart, each as wide as its longest cell.
 * @param left indices of the columns aligned to the left; the others are aligned to the right.
 * @returns the rows joined by line feeds, without trailing blanks.
 */
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
