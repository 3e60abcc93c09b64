import { withCommandsAsTyped } from '../system/command.ts';
import { counted } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { table } from '../text/table.ts';
import type { CheckReport } from './check.ts';
import { type Finding, kindNames, kinds } from './kinds.ts';

/** Findings that are printed per kind; the others are counted. */
const maxLines = 10;

function rowOf({ kind, files, why }: Finding): string[] {
  const [first, ...rest] = files.map(printable);
  if (kind === 'label') return [first as string, printable(why)];
  if (first === undefined) return [printable(why)];
  const [second, ...more] = rest;
  const others =
    second === undefined ? '' : ` = ${second}${more.length > 0 ? ` and ${more.length} more` : ''}`;
  return [`${first}${others}`, printable(why)];
}

/** The report as text. */
export function describe(report: CheckReport): string {
  const { rawData, pictures, classes, findings, together } = report;
  const counts = classes.map((one) => [printable(one.name), String(one.pictures), String(one.generated)]);
  const lines = [
    `${rawData}: ${counted(pictures, 'picture')} in ${counted(classes.length, 'class', 'classes')}`,
    table([['class', 'pictures', 'generated'], ...counts], [0]),
  ];
  for (const kind of kindNames) {
    const found = findings.filter((finding) => finding.kind === kind);
    if (found.length === 0) continue;
    lines.push('', `${kinds[kind].title}: ${found.length}. ${withCommandsAsTyped(kinds[kind].advice)}`);
    const rows = table(found.slice(0, maxLines).map(rowOf), [0, 1]);
    lines.push(rows.replace(/^/gm, '  '));
    if (found.length > maxLines) lines.push(`  and ${found.length - maxLines} more; --json lists all`);
  }
  if (findings.length === 0) lines.push('', 'No problems found.');
  if (together.groups > 0)
    lines.push(
      '',
      `${counted(together.groups, 'group')} of pictures that look the same, ${together.pictures} in all: the split keeps each group together.`,
    );
  return lines.join('\n');
}
