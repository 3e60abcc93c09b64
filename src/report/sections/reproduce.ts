import { flagsFor, flagsOf, machineSettings, type SettingName, settingNames } from '../../config/index.ts';
import { html, type Markup } from '../../html/markup.ts';
import { dataTable } from '../../html/page.ts';
import type { RunRecord, Session } from '../../runs/record.ts';
import { settingText } from '../../text/format.ts';
import type { ReportContents } from '../contents.ts';

/** Settings that the outcome depends on; augmentTarget is another command's. */
const decisive = settingNames.filter((name) => !machineSettings.includes(name) && name !== 'augmentTarget');
const widest = 80;

/** A command over as many lines as it needs. */
function wrapped(words: string[]): string {
  return words.reduce((text, word) => {
    const line = text.slice(text.lastIndexOf('\n') + 1);
    return `${text}${line.length + word.length + 3 > widest ? ' \\\n  ' : ' '}${word}`;
  });
}

function commandOf({ ranks, engine }: Session, flags: string[]): string {
  const launcher = ranks ? [`mpirun -n ${ranks}`] : [];
  return wrapped([...launcher, 'bat-sup train', ...flags, ...(engine ? [`--engine ${engine.name}`] : [])]);
}

/**
 * The commands that lead to the same network: one, whatever stops there were, unless a resume changed settings. Then
 * each part of the training has its own.
 */
export function commandsToReproduce({ sessions }: RunRecord): string[] {
  const last = sessions.at(-1);
  if (!sessions.some(({ changed }) => changed))
    return last ? [commandOf(last, flagsFor(last.settings, decisive))] : [];
  return sessions.flatMap((session, index) => {
    const { changed, from, settings } = session;
    if (index === 0) return [commandOf(session, flagsFor(settings, decisive))];
    if (!changed) return [];
    const isChanged = (name: SettingName) => Object.hasOwn(changed, name);
    const stopped =
      sessions[index - 1]?.state === 'finished' ? [] : [`# stopped after step ${from.step}; then:`];
    return [...stopped, commandOf(session, ['--resume', ...flagsOf(settings, decisive.filter(isChanged))])];
  });
}

/** The commands, the settings in force, and what tells whether the outcome is the same. */
export function reproduceSection({ record, summary, checkpoint }: ReportContents): Markup {
  const { manifest, folder } = checkpoint;
  const settings = Object.entries(summary.settings).map(([name, value]) => [name, settingText(value)]);
  const intro = record
    ? html`<p>With the same pictures, and without a config.ts:</p>\n<pre><code>${commandsToReproduce(record).join('\n')}</code></pre>`
    : html`<p>The run keeps no record of its commands.</p>`;
  return html`${intro}
<p>Everything random follows from the seed ${manifest.training.seed}. This report is of <code>${folder}</code>, whose
weights have the SHA-256 checksum <code>${manifest.files['weights.bin'].sha256}</code>.</p>
${dataTable('Settings in force', ['Setting', 'Value'], settings)}`;
}
