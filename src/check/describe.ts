import { withCommandsAsTyped } from '../system/command.ts';
import { counted } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import type { CheckReport } from './check.ts';
import { type Finding, kindNames, kinds } from './kinds.ts';

/** Lines of a kind that are printed; the rest is counted. */
const mostLines = 10;

/** Columns of text, as wide as they need to be; numbers to the right. */
function table(rows: string[][]): string[] {
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const cell = (text: string, column: number) =>
    /^\d+$/.test(text) ? text.padStart(widths[column] as number) : text.padEnd(widths[column] as number);
  return rows.map((row) => row.map(cell).join('  ').trimEnd());
}

function rowOf({ files, why }: Finding): string[] {
  const [first, ...rest] = files.map(printable);
  if (first === undefined) return [printable(why)];
  const [second, ...more] = rest;
  const others =
    second === undefined ? '' : ` = ${second}${more.length > 0 ? ` and ${more.length} more` : ''}`;
  return [`${first}${others}`, printable(why)];
}

/** The report as text for people. */
export function describe(report: CheckReport): string {
  const { rawData, pictures, classes, findings, together } = report;
  const counts = classes.map((one) => [printable(one.name), String(one.pictures), String(one.generated)]);
  const lines = [
    `${rawData}: ${counted(pictures, 'picture')} in ${counted(classes.length, 'class', 'classes')}`,
    ...table([['class', 'pictures', 'generated'], ...counts]),
  ];
  for (const kind of kindNames) {
    const found = findings.filter((finding) => finding.kind === kind);
    if (found.length === 0) continue;
    lines.push('', `${kinds[kind].title}: ${found.length}. ${withCommandsAsTyped(kinds[kind].advice)}`);
    lines.push(...table(found.slice(0, mostLines).map(rowOf)).map((line) => `  ${line}`));
    if (found.length > mostLines) lines.push(`  and ${found.length - mostLines} more; --json lists all`);
  }
  if (findings.length === 0) lines.push('', 'Nothing wrong was found.');
  if (together.groups > 0)
    lines.push(
      '',
      `The split never parts ${together.pictures} pictures in ${counted(together.groups, 'group')} that look the same.`,
    );
  return lines.join('\n');
}
