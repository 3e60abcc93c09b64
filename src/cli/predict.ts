import { once } from 'node:events';
import { type Command, Option } from 'commander';
import type { World } from '../cluster/index.ts';
import { type Settings, settingOptions } from '../config/index.ts';
import { UsageError, UserError } from '../errors.ts';
import { type PredictRecord, type PredictRequest, startPredicting } from '../predict/predict_run.ts';
import type { Activation, Predictor } from '../predict/predictor.ts';
import { counted } from '../text/format.ts';
import { wrongValue } from '../text/wrong_value.ts';
import {
  adviseBetterRun,
  announceCheckpoint,
  type CheckpointFlags,
  checkpointOptions,
  checkpointPlace,
  whichOf,
} from './chosen_checkpoint.ts';
import { addExamples } from './examples.ts';
import { fileError, notice } from './notice.ts';
import { csvOutput, jsonOutput, textOutput } from './predict_output.ts';
import { onRanks, readEngineSettings } from './ranks.ts';
import { readShard, shardOption } from './shard.ts';
import { abortOnSignals } from './signals.ts';
import { wholeNumber } from './whole_number.ts';

interface PredictFlags extends CheckpointFlags, Record<string, unknown> {
  activation?: Activation;
  topK: string;
  threshold?: string;
  filesFrom?: string;
  null?: boolean;
  watch?: string;
  moveTo?: string;
  copyTo?: string;
  shard?: string;
  json?: boolean;
  csv?: boolean;
}

export function addPredict(program: Command): void {
  const command = program
    .command('predict')
    .description('classify pictures')
    .argument('[pictures...]', 'files, folders, globs, or - for stdin (a picture, or a list of files)')
    .option('--files-from <file>', 'also the pictures listed in a file, one per line; - for stdin')
    .option('-0, --null', 'names in --files-from end with NUL, as find -print0 prints them')
    .option('--watch <folder>', 'the pictures of a folder, and new ones as they arrive, until Ctrl-C');
  checkpointOptions(command)
    .addOption(
      new Option(
        '--activation <name>',
        'softmax: probabilities that add up to 1; sigmoid: each class on its own; none: logits',
      )
        .choices(['softmax', 'sigmoid', 'none'])
        .default(undefined, 'softmax; sigmoid after train --multi-label'),
    )
    .option(
      '--threshold <p>',
      'answer "unknown" where no class has this probability; after train --multi-label for all classes instead of theirs',
    )
    .option('--move-to <folder>', 'move the pictures to <folder>/<class>/; nothing is overwritten')
    .option('--copy-to <folder>', 'copy the pictures to <folder>/<class>/; nothing is overwritten')
    .option('--top-k <n>', 'print the n likeliest classes', '1')
    .option('--json', 'print JSON Lines: one object per picture, errors included')
    .option('--csv', 'print CSV: one row per picture, errors included');
  settingOptions(shardOption(command), ['checkpoints', 'engine', 'threads']).action((pictures, flags) =>
    onRanks((world) => predict(pictures, flags, world)),
  );
  addExamples(command, [
    ['bat-sup predict photo.jpg', 'prints its class and the probability'],
    [
      'bat-sup predict holiday --top-k 3 --json',
      'the 3 likeliest classes of every picture in a folder, as JSON Lines',
    ],
    ['bat-sup predict "holiday/**/*.png" --csv', 'pictures that match a pattern, as a table'],
    ['bat-sup predict holiday --copy-to sorted --threshold 0.8', 'copies them into one folder per class'],
    ['bat-sup predict --watch inbox --move-to sorted', 'sorts pictures as they arrive in a folder'],
  ]);
}

function refuseBoth(flags: PredictFlags, ...names: ('json' | 'csv' | 'moveTo' | 'copyTo')[]): void {
  if (!names.every((name) => flags[name])) return;
  const given = names.map((name) => `--${name.replace('To', '-to')}`);
  throw new UsageError(`${given.join(' and ')} exclude each other; give one.`);
}

function readThreshold({ threshold, activation }: PredictFlags): number | undefined {
  if (threshold === undefined) return undefined;
  const value = threshold.trim() === '' ? Number.NaN : Number(threshold);
  if (!(value >= 0 && value <= 1)) throw wrongValue('--threshold', 'a probability from 0 to 1', threshold);
  if (activation === 'none')
    throw new UsageError(
      '--threshold needs probabilities and --activation none gives logits; leave out one.',
    );
  return value;
}

/** @throws {UsageError} where flags contradict each other or have a wrong value. */
function readFlags(
  names: string[],
  flags: PredictFlags,
  world: World | undefined,
): Omit<PredictRequest, 'place'> & { topK: number } {
  refuseBoth(flags, 'json', 'csv');
  refuseBoth(flags, 'moveTo', 'copyTo');
  const { filesFrom, watch, moveTo, copyTo } = flags;
  if (flags.null && filesFrom === undefined)
    throw new UsageError('--null is about the names in --files-from; give both.');
  if (watch !== undefined && (names.length > 0 || filesFrom !== undefined))
    throw new UsageError('--watch classifies the pictures of its folder only; leave out the others.');
  if (watch === undefined && names.length === 0 && filesFrom === undefined)
    throw new UsageError('No pictures are named; give files, folders or globs, --files-from or --watch.');
  const shard = readShard(flags.shard, world);
  if (watch !== undefined && (world || shard))
    throw new UsageError('--watch runs in one process; leave out mpirun and --shard.');
  const folder = moveTo ?? copyTo;
  const list =
    filesFrom === undefined ? undefined : ({ file: filesFrom, end: flags.null ? '\0' : '\n' } as const);
  return {
    source: { names, list, watch },
    which: whichOf(flags),
    activation: flags.activation,
    topK: wholeNumber('--top-k', flags.topK, 1),
    threshold: readThreshold(flags),
    sorting: folder === undefined ? undefined : { folder, how: moveTo === undefined ? 'copy' : 'move' },
    shard,
    world,
  };
}

/** Predictions are not labels: sorted pictures are never put among those to train on. */
async function refuseAmongPictures(
  settings: Settings,
  { folder, how }: NonNullable<PredictRequest['sorting']>,
): Promise<void> {
  const { keepOutputApart } = await import('../system/keep_apart.ts');
  await keepOutputApart(settings, { option: `--${how}-to`, path: folder });
}

async function predict(names: string[], flags: PredictFlags, world: World | undefined): Promise<void> {
  const { topK, ...request } = readFlags(names, flags, world);
  const settings = await readEngineSettings(flags, world);
  if (request.sorting) await refuseAmongPictures(settings, request.sorting);
  const place = checkpointPlace(flags.checkpoint, settings.checkpoints);
  const run = await startPredicting({ ...request, place }, settings, notice);
  const { checkpoint, description, judge } = run.predictor;
  const printer = printerFor(flags, {
    topK,
    sorting: request.sorting,
    description,
    activation: run.activation,
    rejects: judge !== undefined,
  });
  // Records reach rank 0 alone.
  const prints = !world || world.rank === 0;
  if (prints) await printer.head();
  const signal = abortOnSignals();
  let isFirst = true;
  for await (const records of run.records(signal)) {
    if (isFirst) announceCheckpoint(checkpoint);
    await printer.batch(records);
    // It reads the manifests of all runs, so the first answers are printed before.
    if (isFirst) await adviseBetterRun(checkpoint, flags.checkpoint, settings.checkpoints);
    isFirst = false;
  }
  await run.dispose();
  // Ctrl-C is how watching ends.
  const stopped = signal.aborted && flags.watch === undefined;
  if (stopped) process.exitCode = 130;
  printer.end(stopped);
}

/** Prints batches of records in the format that the flags ask for, and counts them. */
function printerFor(
  flags: PredictFlags,
  {
    topK,
    sorting,
    description: { classes, isMultiLabel },
    activation,
    rejects,
  }: Pick<PredictRequest, 'sorting'> & {
    topK: number;
    description: Predictor['description'];
    activation: Activation;
    rejects: boolean;
  },
) {
  const kind = activation === 'none' ? 'logit' : 'probability';
  const format = flags.json ? jsonOutput : flags.csv ? csvOutput : textOutput;
  const output = format({
    classes,
    isMultiLabel: isMultiLabel === true,
    kind,
    topK,
    sorts: sorting !== undefined,
    rejects,
  });
  const sortedByClass = new Map<string, number>();
  let printed = 0;
  let failed = 0;

  function count({ file, answer, to, error }: PredictRecord): void {
    printed++;
    if (answer && to !== undefined)
      for (const name of answer.classes?.length ? answer.classes : [answer.class])
        sortedByClass.set(name, (sortedByClass.get(name) ?? 0) + 1);
    if (error === undefined) return;
    failed++;
    fileError(file, error);
  }

  return {
    async head(): Promise<void> {
      if (output.head !== undefined) await write(`${output.head}\n`);
    },
    async batch(records: PredictRecord[]): Promise<void> {
      records.forEach(count);
      const lines = records.map(output.line).filter((line) => line !== undefined);
      await write(lines.map((line) => `${line}\n`).join(''));
    },
    /** @throws {UserError} where some of the pictures failed. */
    end(stopped: boolean): void {
      if (stopped && printed > 0) console.error(`Stopped after ${counted(printed, 'picture')}.`);
      if (sorting) {
        const counts = [...sortedByClass].sort().map(([name, count]) => `${count} ${name}`);
        const done = sorting.how === 'move' ? 'Moved' : 'Copied';
        console.error(`${done} to ${sorting.folder}: ${counts.join(', ') || 'nothing'}`);
      }
      if (failed === 0 || stopped) return;
      const what = sorting
        ? 'could not be read or sorted; the others are sorted'
        : 'could not be read; the others are classified';
      throw new UserError(`${counted(failed, 'picture')} ${what}.`);
    },
  };
}

/** Waits while the reader is behind, so that output does not pile up in memory. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}
