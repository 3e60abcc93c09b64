import { html, type Markup } from '../../html/markup.ts';
import { duration } from '../../text/format.ts';
import type { ReportContents } from '../contents.ts';

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [below, above] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]] as [number, number];
  return (below + above) / 2;
}

/** How fast training was. */
export function speedSection({ history, summary }: ReportContents): Markup {
  const facts: [string, string][] = [];
  if (history.length > 0) {
    facts.push(['Training', `${median(history.map(({ rate }) => rate)).toFixed(0)} pictures per second`]);
    facts.push(['Epoch', duration(median(history.map(({ seconds }) => seconds)))]);
  }
  if (summary.seconds !== null) facts.push(['Total', duration(summary.seconds)]);
  if (facts.length === 0) return html`<p>The run has no record of its speed.</p>`;
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
<p>Medians over the epochs, without validation.</p>`;
}
