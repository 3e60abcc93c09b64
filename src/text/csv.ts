import { parse } from 'csv-parse/sync';

/** Excel writes semicolons where the comma is the decimal point. */
function delimiterOf(text: string): string {
  const [head = ''] = text.split('\n', 1);
  return head.includes(';') && !head.includes(',') ? ';' : ',';
}

/**
 * Reads a table in CSV whose first line names its columns, as Excel writes it too: with a byte order mark, or semicolons.
 * @returns one record per row, its cells by the columns' names, and the line that it begins in.
 * @throws {Error} naming the line that is not CSV.
 */
export function readCsv(text: string): { cells: Record<string, string>; line: number }[] {
  const delimiter = delimiterOf(text);
  const rows = parse(text, { bom: true, columns: true, skip_empty_lines: true, info: true, delimiter });
  return (rows as { record: Record<string, string>; info: { lines: number } }[]).map(({ record, info }) => ({
    cells: record,
    line: info.lines,
  }));
}
