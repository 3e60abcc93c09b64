import { flagsFor, flagsOf, machineSettings, type SettingName, settingNames } from '../../config/index.ts';
import { html, type Markup } from '../../html/markup.ts';
import { dataTable } from '../../html/page.ts';
import type { RunRecord, Session } from '../../runs/record.ts';
import { settingText } from '../../text/format.ts';
import type { ReportContents } from '../contents.ts';

/** Settings that the result depends on; augmentTarget belongs to another command. */
const decisive = settingNames.filter((name) => !machineSettings.includes(name) && name !== 'augmentTarget');
const maxWidth = 80;

/** A command, broken over lines with backslashes. */
function wrapped(words: string[]): string {
  return words.reduce((text, word) => {
    const line = text.slice(text.lastIndexOf('\n') + 1);
    return `${text}${line.length + word.length + 3 > maxWidth ? ' \\\n  ' : ' '}${word}`;
  });
}

function commandOf({ ranks, engine }: Session, flags: string[]): string {
  const launcher = ranks ? [`mpirun -n ${ranks}`] : [];
  return wrapped([...launcher, 'bat-sup train', ...flags, ...(engine ? [`--engine ${engine.name}`] : [])]);
}

/**
 * The commands that reproduce a network. One is enough, however often training was stopped and resumed, unless a resume
 * changed settings: then each part of the training needs its own.
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
      sessions[index - 1]?.state === 'finished' ? [] : [`# stop after step ${from.step}, then:`];
    return [...stopped, commandOf(session, ['--resume', ...flagsOf(settings, decisive.filter(isChanged))])];
  });
}

/** The commands, the settings, and the checksum that shows whether the result is the same. */
export function reproduceSection({ record, summary, checkpoint }: ReportContents): Markup {
  const { manifest, folder } = checkpoint;
  const settings = Object.entries(summary.settings).map(([name, value]) => [name, settingText(value)]);
  const intro = record
    ? html`<p>With the same pictures and without a config.ts, run:</p>\n<pre><code>${commandsToReproduce(record).join('\n')}</code></pre>`
    : html`<p>The run has no record of its commands.</p>`;
  return html`${intro}
<p>The seed ${manifest.training.seed} determines everything random. This report is about <code>${folder}</code>; the
SHA-256 checksum of its weights is <code>${manifest.files['weights.bin'].sha256}</code>.</p>
${dataTable('Settings', ['Setting', 'Value'], settings)}`;
}
