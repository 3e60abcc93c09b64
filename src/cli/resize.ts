import type { Command } from 'commander';
import type { Splitting, World } from '../cluster/index.ts';
import { type Settings, settingOptions } from '../config/index.ts';
import type { ResizeReport } from '../images/resize.ts';
import { keepFoldersApart } from '../system/keep_apart.ts';
import { describeClasses, wrap } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { addExamples } from './examples.ts';
import { type ProgressBar, progressBar } from './progress.ts';
import { onRanks, readPictureSettings } from './ranks.ts';
import { rawDataArgument, withRawData } from './raw_data_argument.ts';
import { readShard, shardOption } from './shard.ts';
import { abortOnSignals } from './signals.ts';

export function addResize(program: Command): void {
  const command = program
    .command('resize')
    .description(
      'make data/<class>/*.jpg of rawdata/<class>/*: one size, one format (train does it by itself)',
    )
    .option('--json', 'print the report as JSON');
  settingOptions(shardOption(rawDataArgument(command)), [
    'rawData',
    'data',
    'width',
    'height',
    'channels',
    'fit',
    'workers',
  ]).action((folder, options) =>
    onRanks(async (world) => runResize(await withRawData(folder, options), world)),
  );
  addExamples(command, [
    ['bat-sup resize ~/photos', 'makes data/ of the classes in another folder'],
    ['bat-sup resize --width 64 --height 64', 'makes data/, 64 x 64 pixels'],
    ['bat-sup resize --fit contain', 'pads with white instead of stretching'],
  ]);
}

interface ResizeFlags extends Record<string, unknown> {
  shard?: string;
  json?: boolean;
}

async function runResize(flags: ResizeFlags, world: World | undefined): Promise<void> {
  const shard = readShard(flags.shard, world);
  const settings = await readPictureSettings(flags, world, 8);
  await keepFoldersApart(settings);
  const signal = abortOnSignals();
  if (world && world.rank > 0) {
    const { helpResize } = await import('../images/resize.ts');
    return helpResize(world, { ...settings, signal });
  }
  const report = await resize(settings, signal, { world, shard });
  if (!report) return;
  const text = `${describe(report, settings)}\n${describeClasses(report.classes)}`;
  console.log(flags.json ? JSON.stringify(report) : text);
}

/**
 * Resizes with a bar on stderr and a line there for each file that cannot be read.
 * @returns undefined where it was stopped.
 */
async function resize(
  settings: Settings,
  signal: AbortSignal,
  splitting: Splitting = {},
): Promise<ResizeReport | undefined> {
  const { resizeAll } = await import('../images/resize.ts');
  let bar: ProgressBar | undefined;
  const onProgress = (done: number, total: number) => {
    bar ??= progressBar('Resizing', total);
    bar.update(done);
  };
  const report = await resizeAll({ ...settings, ...splitting, signal, onProgress }).finally(() =>
    bar?.stop(),
  );
  if (report.stopped) {
    console.error('Stopped; what was resized so far is kept, and the same command goes on.');
    process.exitCode = 130;
    return undefined;
  }
  for (const { file, reason } of report.unreadable) console.error(`skipped ${printable(file)}: ${reason}`);
  noticeOthers(report, settings);
  return report;
}

/** Names the folders that were passed over, and what in data/ is not of rawdata/. */
function noticeOthers(
  { skipped, strangers }: Pick<ResizeReport, 'skipped' | 'strangers'>,
  { data }: Settings,
): void {
  for (const { file, reason } of skipped) console.error(`skipped ${printable(file)}: ${reason}`);
  if (strangers.length === 0) return;
  const first = printable(`${data}/${strangers[0]}`);
  const which = strangers.length === 1 ? first : `${strangers.length} files in ${data} (${first}, ...)`;
  console.error(
    `not made from rawdata, but trained on as ${strangers.length === 1 ? 'it is' : 'they are'}: ${which}`,
  );
}

function describe({ made, unchanged, removed, unreadable }: ResizeReport, settings: Settings): string {
  const { data, width, height } = settings;
  const rest = `${unchanged} unchanged, ${removed} removed, ${unreadable.length} unreadable`;
  return wrap(`${data}: ${made} pictures resized to ${width}x${height}, ${rest}`, { indent: '  ' });
}

/**
 * What train does first: data/ as rawdata/ and the settings ask for it.
 * @returns whether it was not stopped.
 */
export async function resizeWhereStale(settings: Settings, signal: AbortSignal): Promise<boolean> {
  const { surveyData } = await import('../images/resize.ts');
  const state = await surveyData({ ...settings, signal });
  if (!state.isStale && !signal.aborted) {
    noticeOthers(state, settings);
    return true;
  }
  const report = await resize(settings, signal);
  if (report) console.error(describe(report, settings));
  return report !== undefined;
}
