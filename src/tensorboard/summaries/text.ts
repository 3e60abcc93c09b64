import { dataClass, stringsTensor, summaryValue } from '../summary.ts';

/** A text in Markdown (tensorboard/plugins/text/summary_v2.py). */
export function textSummary(tag: string, markdown: string): Buffer {
  const dashboard = { plugin: 'text', dataClass: dataClass.tensor };
  return summaryValue(tag, stringsTensor([], [markdown]), dashboard);
}

/** Escapes what Markdown would interpret. */
function escapeMarkdown(text: string): string {
  const onOneLine = text.replace(/\s+/g, ' ');
  return onOneLine.replace(/[\\`*_{}[\]<>()#+!|~]/g, '\\$&');
}

/** A Markdown table. */
export function markdownTable(header: string[], rows: (string | number)[][]): string {
  const line = (cells: (string | number)[]) =>
    `| ${cells.map((cell) => escapeMarkdown(String(cell))).join(' | ')} |`;
  return [line(header), `|${' --- |'.repeat(header.length)}`, ...rows.map(line)].join('\n');
}
