import type { Command } from 'commander';
import { readSettings, type Settings, settingOptions } from '../config/index.ts';
import { UserError } from '../errors.ts';
import type { Suggestion } from '../suggest/suggest.ts';
import { counted } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { addExamples } from './examples.ts';
import { featureNetworkFlag, startFeatureNetwork } from './feature_network.ts';
import { fileError } from './notice.ts';
import { type ProgressBar, progressBar } from './progress.ts';
import { abortOnSignals } from './signals.ts';
import { wholeNumber } from './whole_number.ts';

interface SuggestFlags extends Record<string, unknown> {
  count: string;
  copyTo?: string;
  checkpoint?: string;
  json?: boolean;
}

export function addSuggest(program: Command): void {
  const command = program
    .command('suggest')
    .description('rank unlabelled pictures by what a label of each would teach')
    .argument('<folder>', 'pictures without labels')
    .option('--count <n>', 'how many to suggest', '20')
    .option('--copy-to <folder>', 'copy them to <folder>/<likeliest class>/; nothing is overwritten')
    .option(...featureNetworkFlag)
    .option('--json', 'print JSON Lines: one object per picture');
  settingOptions(command, ['rawData', 'checkpoints', 'engine', 'threads', 'seed']).action(suggestPictures);
  addExamples(command, [
    ['bat-sup suggest inbox', 'the 20 pictures of inbox/ to label next, given those in rawdata/'],
    [
      'bat-sup suggest inbox --copy-to next',
      'copies them to next/<likeliest class>/, to be put right by hand',
    ],
  ]);
}

async function suggestPictures(folder: string, flags: SuggestFlags): Promise<void> {
  const count = wholeNumber('--count', flags.count, 1);
  const settings = await readSettings(flags);
  await refuseFolders(settings, folder, flags);
  const signal = abortOnSignals();
  const { network, close } = await startFeatureNetwork(settings, flags.checkpoint);
  const { suggest } = await import('../suggest/suggest.ts');
  let bar: ProgressBar | undefined;
  const { rawData, seed, threads } = settings;
  const suggestions = await suggest(network, {
    folder,
    rawData,
    count,
    seed,
    threads,
    signal,
    onProgress(done, total) {
      bar ??= progressBar('Comparing', total);
      bar.update(done);
    },
    onFailure: fileError,
  }).finally(async () => {
    bar?.stop();
    await close();
  });
  if (!suggestions) {
    console.error('Stopped; run the same command to continue.');
    process.exitCode = 130;
    return;
  }
  if (suggestions.length === 0) throw new UserError(`${folder} holds no picture that can be read.`);
  for (const one of suggestions) console.log(flags.json ? JSON.stringify(one) : lineOf(one));
  if (flags.copyTo !== undefined) await copy(suggestions, flags.copyTo);
}

function lineOf({ file, class: name, probability = 0 }: Suggestion): string {
  return name === undefined ? printable(file) : `${printable(file)}  ${name} ${probability.toFixed(4)}`;
}

/** @throws {UsageError} where copies would lie among the pictures. */
async function refuseFolders(settings: Settings, folder: string, { copyTo }: SuggestFlags): Promise<void> {
  const { keepFolderApart, keepOutputApart } = await import('../system/keep_apart.ts');
  await keepFolderApart(settings.rawData, { option: 'The folder', path: folder });
  if (copyTo === undefined) return;
  await keepOutputApart(settings, { option: '--copy-to', path: copyTo });
  await keepFolderApart(folder, { option: '--copy-to', path: copyTo });
}

/** Copies each suggestion to the folder of its likeliest class; where there are no classes yet, to the folder itself. */
async function copy(suggestions: Suggestion[], folder: string): Promise<void> {
  const { checkFolderNames, sortInto } = await import('../predict/sort.ts');
  checkFolderNames(suggestions.flatMap((one) => one.class ?? []));
  const sortings = suggestions.map((one) => ({ file: one.file, class: one.class ?? '' }));
  const sorted = await sortInto(folder, 'copy', sortings);
  for (const [index, one] of sorted.entries())
    if ('error' in one) fileError(suggestions[index]?.file as string, one.error);
  const copied = sorted.filter((one) => 'to' in one).length;
  console.error(`${counted(copied, 'picture')} copied to ${printable(folder)}`);
  if (copied < sorted.length)
    throw new UserError(`${counted(sorted.length - copied, 'picture')} could not be copied.`);
}
