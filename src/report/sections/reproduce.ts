import { settingText } from '../../format.ts';
import { html, type Markup } from '../../html/markup.ts';
import { dataTable } from '../../html/page.ts';
import type { ReportContents } from '../contents.ts';

/** The commands, the settings in force, and what tells whether the outcome is the same. */
export function reproduceSection({ record, summary, checkpoint }: ReportContents): Markup {
  const commands = (record?.sessions ?? []).flatMap(({ command }) => command ?? []);
  const { manifest, folder } = checkpoint;
  const settings = Object.entries(summary.settings).map(([name, value]) => [name, settingText(value)]);
  const intro =
    commands.length > 0
      ? html`<p>With the same pictures, in the same place:</p>\n<pre><code>${commands.join('\n')}</code></pre>`
      : html`<p>The run keeps no record of its commands.</p>`;
  return html`${intro}
<p>Everything random follows from the seed ${manifest.training.seed}. This report is of <code>${folder}</code>, whose
weights have the SHA-256 checksum <code>${manifest.files['weights.bin'].sha256}</code>.</p>
${dataTable('Settings in force', ['Setting', 'Value'], settings)}`;
}
