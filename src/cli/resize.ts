import type { Command } from 'commander';
import type { Splitting, World } from '../cluster/index.ts';
import { type Settings, settingOptions } from '../config/index.ts';
import type { ResizeReport } from '../images/resize.ts';
import { keepFoldersApart } from '../system/keep_apart.ts';
import { counted, describeClasses, wrap } from '../text/format.ts';
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
    .description('resize rawdata/<class>/* to data/<class>/*.jpg (train does this by itself)')
    .option('--json', 'print the report as JSON');
  settingOptions(shardOption(rawDataArgument(command)), [
    'rawData',
    'data',
    'width',
    'height',
    'channels',
    'fit',
    'crop',
    'filter',
    'workers',
  ]).action((folder, options) =>
    onRanks(async (world) => runResize(await withRawData('resize', folder, options), world)),
  );
  addExamples(command, [
    ['bat-sup resize ~/photos', 'resizes the pictures in another folder to data/'],
    ['bat-sup resize --width 64 --height 64', 'resizes to 64 x 64 pixels'],
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
 * Resizes, with a progress bar and one line per unreadable file on stderr.
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
    console.error('Stopped; run the same command to continue.');
    process.exitCode = 130;
    return undefined;
  }
  for (const { file, reason } of report.unreadable) console.error(`skipped ${printable(file)}: ${reason}`);
  noticeOthers(report, settings);
  return report;
}

/** Prints which folders were skipped, and which files in data/ were not made from rawdata/. */
function noticeOthers(
  { skipped, strangers }: Pick<ResizeReport, 'skipped' | 'strangers'>,
  { data }: Settings,
): void {
  for (const { file, reason } of skipped) console.error(`skipped ${printable(file)}: ${reason}`);
  if (strangers.length === 0) return;
  const first = printable(`${data}/${strangers[0]}`);
  const which = strangers.length === 1 ? first : `${strangers.length} files in ${data} (${first} ...)`;
  console.error(`not made from rawdata/ but used for training unchanged: ${which}`);
}

function describe({ made, unchanged, removed, unreadable }: ResizeReport, settings: Settings): string {
  const { data, width, height } = settings;
  const rest = `${unchanged} unchanged, ${removed} removed, ${unreadable.length} unreadable`;
  return wrap(`${data}: ${counted(made, 'picture')} resized to ${width}x${height}, ${rest}`, {
    indent: '  ',
  });
}

/**
 * Brings data/ up to date with rawdata/ and the settings, before training.
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
