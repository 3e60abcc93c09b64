import type { Command } from 'commander';
import { readSettings, type Settings, settingOptions } from '../config/index.ts';
import { UsageError, UserError } from '../errors.ts';
import { none } from '../predict/answer.ts';
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
    .option(
      '--copy-to <folder>',
      'copy them to <folder>/<likeliest class>/, or with --multi-label to each class; nothing is overwritten',
    )
    .option(...featureNetworkFlag)
    .option('--json', 'print JSON Lines: one object per picture');
  settingOptions(command, [
    ...(['rawData', 'multiLabel', 'labels', 'checkpoints', 'engine', 'threads', 'seed'] as const),
  ]).action(suggestPictures);
  addExamples(command, [
    ['bat-sup suggest inbox', 'the 20 pictures of inbox/ to label next, given those in rawdata/'],
    [
      'bat-sup suggest inbox --copy-to next',
      'copies them to next/<likeliest class>/, to be put right by hand',
    ],
    [
      'bat-sup suggest inbox --multi-label --labels labels.csv',
      'pictures that can show several classes, or none of them',
    ],
  ]);
}

async function suggestPictures(folder: string, flags: SuggestFlags): Promise<void> {
  const count = wholeNumber('--count', flags.count, 1);
  const settings = await readSettings(flags);
  const isMultiLabel = settings.multiLabel === 'on';
  if (settings.labels !== 'off' && !isMultiLabel)
    throw new UsageError('labels are for pictures of several classes; add --multi-label.');
  await refuseFolders(settings, folder, flags);
  const signal = abortOnSignals();
  const { network, close } = await startFeatureNetwork(settings, flags.checkpoint);
  const { suggest } = await import('../suggest/suggest.ts');
  let bar: ProgressBar | undefined;
  const { rawData, labels, seed, threads } = settings;
  const suggestions = await suggest(network, {
    folder,
    rawData,
    isMultiLabel,
    labels,
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
  for (const one of suggestions) console.log(flags.json ? JSON.stringify(jsonOf(one)) : lineOf(one));
  if (flags.copyTo !== undefined) await copy(suggestions, flags.copyTo);
}

function jsonOf({ file, guess, guesses }: Suggestion) {
  return { file, ...guess, ...(guesses && { classes: guesses }) };
}

function lineOf({ file, guess, guesses }: Suggestion): string {
  const all = guess ? [guess] : (guesses ?? []);
  const list = all.map((one) => `${one.class} ${one.probability.toFixed(4)}`);
  if (guesses?.length === 0) list.push(none);
  return [printable(file), ...list].join('  ');
}

/** @throws {UsageError} where copies would lie among the pictures. */
async function refuseFolders(settings: Settings, folder: string, { copyTo }: SuggestFlags): Promise<void> {
  const { keepFolderApart, keepOutputApart } = await import('../system/keep_apart.ts');
  await keepFolderApart(settings.rawData, { option: 'The folder', path: folder });
  if (copyTo === undefined) return;
  await keepOutputApart(settings, { option: '--copy-to', path: copyTo });
  await keepFolderApart(folder, { option: '--copy-to', path: copyTo });
}

/** The folders to copy a suggestion to; where there are no classes yet, the folder itself. */
function foldersOf({ guess, guesses }: Suggestion): string[] {
  if (!guesses) return [guess?.class ?? ''];
  return guesses.length > 0 ? guesses.map((one) => one.class) : [none];
}

async function copy(suggestions: Suggestion[], folder: string): Promise<void> {
  const { checkFolderNames, sortInto } = await import('../predict/sort.ts');
  const sortings = suggestions.flatMap((one) =>
    foldersOf(one).map((name) => ({ file: one.file, class: name })),
  );
  checkFolderNames(sortings.map((one) => one.class).filter((name) => name !== ''));
  const failed = new Set<string>();
  for (const [index, one] of (await sortInto(folder, 'copy', sortings)).entries()) {
    if ('to' in one) continue;
    const file = sortings[index]?.file as string;
    fileError(file, one.error);
    failed.add(file);
  }
  console.error(`${counted(suggestions.length - failed.size, 'picture')} copied to ${printable(folder)}`);
  if (failed.size > 0) throw new UserError(`${counted(failed.size, 'picture')} could not be copied.`);
}
