import { readFileSync, writeFileSync } from 'node:fs';

/** A table, its columns aligned. */
export function tableOf(header: string[], rows: (string | number)[][]): string {
  const lines = [header, ...rows].map((cells) => cells.map(String));
  const widths = header.map((_, column) =>
    Math.max(3, ...lines.map((cells) => (cells[column] as string).length)),
  );
  const lineOf = (cells: string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`;
  const [first = [], ...others] = lines;
  return [first, widths.map((width) => '-'.repeat(width)), ...others].map(lineOf).join('\n');
}

/**
 * Replaces what a page has between two lines.
 * @throws {Error} where the page lacks one of them.
 */
export function writeSection(file: string, [start, end]: [start: string, end: string], text: string): void {
  const [before, rest] = readFileSync(file, 'utf8').split(start);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${file} lacks the line "${start}" or "${end}".`);
  writeFileSync(file, `${before}${start}\n\n${text}\n\n${end}${after}`);
}

/** 1234 -> 1,234 */
export const grouped = (value: number) => value.toLocaleString('en');
