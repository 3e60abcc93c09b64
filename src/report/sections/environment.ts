import { html, type Markup } from '../../html/markup.ts';
import { dataTable } from '../../html/page.ts';
import type { ReportContents } from '../contents.ts';

/** The machine that it was trained on. */
export function environmentSection({ record }: ReportContents): Markup {
  const session = record?.sessions.at(-1);
  if (!session) return html`<p>The run has no record of where it was trained.</p>`;
  const { batSup, node, platform, cpu, threads, memory } = session.environment;
  return dataTable(
    'Where it was trained',
    ['Item', 'Value'],
    [
      ['Engine', session.engine?.description ?? 'unknown'],
      ['bat-sup', batSup],
      ['Node.js', `${node} on ${platform}`],
      ['Processor', `${cpu}, ${threads} threads`],
      ['Memory', `${(memory / 2 ** 30).toFixed(1)} GiB`],
    ],
  );
}
