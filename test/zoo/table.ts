/** The tables in docs/networks.md, which the tests of networks from elsewhere make. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const document = fileURLToPath(new URL('../../docs/networks.md', import.meta.url));

/** A Markdown table whose columns are aligned. @param rows of cells, the heading first. */
function markdown(rows: string[][]): string {
  const [heading = []] = rows;
  const widths = heading.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(heading), rule, ...rows.slice(1).map(line)].join('\n');
}

/**
 * Compares a table of the document with what a test found. With UPDATE_DOCS=1 writes it there instead.
 * @param name of the table; it stands between `<!-- table: name -->` and `<!-- end -->`.
 * @param rows of cells, the heading first.
 */
export function assertTable(name: string, rows: string[][]): void {
  const text = readFileSync(document, 'utf8');
  const start = `<!-- table: ${name} -->\n`;
  const from = text.indexOf(start) + start.length;
  const to = text.indexOf('\n<!-- end -->', from);
  assert.ok(from >= start.length && to > from, `docs/networks.md has no table ${name}`);
  const found = `\n${markdown(rows)}\n`;
  if (process.env.UPDATE_DOCS === '1')
    writeFileSync(document, `${text.slice(0, from)}${found}${text.slice(to)}`);
  else
    assert.equal(
      text.slice(from, to),
      found,
      'docs/networks.md differs; write it anew with UPDATE_DOCS=1 if it should',
    );
}
