import { dataClass, stringsTensor, summaryValue } from '../summary.ts';

/** Summary of a text in Markdown (tensorboard/plugins/text/summary_v2.py). */
export function textSummary(tag: string, markdown: string): Buffer {
  const dashboard = { plugin: 'text', dataClass: dataClass.tensor };
  return summaryValue(tag, stringsTensor([], [markdown]), dashboard);
}

/** A name or value as it is, whatever Markdown would make of its characters. */
function literal(text: string): string {
  const onOneLine = text.replace(/\s+/g, ' ');
  return onOneLine.replace(/[\\`*_{}[\]<>()#+!|~]/g, '\\$&');
}

/** A table in Markdown, as TensorBoard's texts show it. */
export function markdownTable(header: string[], rows: (string | number)[][]): string {
  const line = (cells: (string | number)[]) =>
    `| ${cells.map((cell) => literal(String(cell))).join(' | ')} |`;
  return [line(header), `|${' --- |'.repeat(header.length)}`, ...rows.map(line)].join('\n');
}
