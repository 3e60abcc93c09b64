import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { readNetwork, type StoredNetwork } from '../checkpoints/index.ts';
import { type Shard, streamShareOf, type World } from '../cluster/index.ts';
import { type Settings, settingOptions } from '../config/index.ts';
import type { Engine } from '../engine/index.ts';
import { UsageError, UserError } from '../errors.ts';
import { readAnswer } from '../predict/answer.ts';
import type { Inputs, Prediction } from '../predict/predict_all.ts';
import type { Activation, Predictor } from '../predict/predictor.ts';
import type { Sorting } from '../predict/sort.ts';
import { printable } from '../text/printable.ts';
import { wrongValue } from '../text/wrong_value.ts';
import { adviseBetterRun, announceCheckpoint, checkpointPlace } from './chosen_checkpoint.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';
import { csvOutput, jsonOutput, type PredictRecord, textOutput } from './predict_output.ts';
import { onRanks, readEngineSettings, readTogether } from './ranks.ts';
import { readShard, shardOption } from './shard.ts';
import { abortOnSignals } from './signals.ts';
import { picturesWorthStarting, startEngineFor } from './start_engine.ts';
import { wholeNumber } from './whole_number.ts';

interface PredictFlags extends Record<string, unknown> {
  checkpoint?: string;
  newest?: boolean;
  activation: Activation;
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
    .description('tell the class of pictures')
    .argument('[pictures...]', 'files, folders, globs, or - for stdin (a picture, or a list of files)')
    .option('--files-from <file>', 'also the pictures that a file names, a line each; - for stdin')
    .option('-0, --null', 'the names in --files-from end with NUL, as find -print0 ends them')
    .option('--watch <folder>', 'the pictures of a folder, and those that come later, until Ctrl-C')
    .option('--checkpoint <folder>', 'checkpoint or run to use (default: the best of the newest run)')
    .option('--newest', 'use the newest checkpoint of the run instead of its best')
    .addOption(
      new Option(
        '--activation <name>',
        'softmax: classes share 1; sigmoid: each class by itself; none: logits',
      )
        .choices(['softmax', 'sigmoid', 'none'])
        .default('softmax'),
    )
    .option('--threshold <p>', 'say "unknown" where no class has this probability')
    .option('--move-to <folder>', 'move the pictures to <folder>/<class>/; nothing is overwritten')
    .option('--copy-to <folder>', 'copy the pictures to <folder>/<class>/; nothing is overwritten')
    .option('--top-k <n>', 'list the n likeliest classes', '1')
    .option('--json', 'print JSON Lines: an object a picture, errors as well')
    .option('--csv', 'print CSV: a row a picture, errors as well');
  settingOptions(shardOption(command), ['checkpoints', 'engine', 'threads']).action((pictures, flags) =>
    onRanks((world) => predict(pictures, flags, world)),
  );
  addExamples(command, [
    ['bat-sup predict photo.jpg', 'tells its class and how sure that is'],
    [
      'bat-sup predict holiday --top-k 3 --json',
      'the three likeliest for every picture in a folder, an object a line',
    ],
    ['bat-sup predict "holiday/**/*.png" --csv', 'pictures by a pattern, as a table'],
    ['bat-sup predict holiday --copy-to sorted --threshold 0.8', 'copies into a folder for each class'],
    ['bat-sup predict --watch inbox --move-to sorted', 'sorts what comes into a folder'],
  ]);
}

interface Request {
  pictures: string[];
  topK: number;
  threshold: number | undefined;
  sorting: { folder: string; how: 'move' | 'copy' } | undefined;
  shard: Shard | undefined;
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
    throw new UsageError('--threshold is of probabilities and --activation none gives none; leave one out.');
  return value;
}

function readFlags(pictures: string[], flags: PredictFlags, world: World | undefined): Request {
  refuseBoth(flags, 'json', 'csv');
  refuseBoth(flags, 'moveTo', 'copyTo');
  const { filesFrom, watch, moveTo, copyTo } = flags;
  if (flags.null && filesFrom === undefined)
    throw new UsageError('--null says how names in --files-from end; give both.');
  if (watch !== undefined && (pictures.length > 0 || filesFrom !== undefined))
    throw new UsageError('--watch answers the pictures of its folder only; leave out the others.');
  if (watch === undefined && pictures.length === 0 && filesFrom === undefined)
    throw new UsageError('No pictures are named; give files, folders or globs, --files-from or --watch.');
  const shard = readShard(flags.shard, world);
  if (watch !== undefined && (world || shard))
    throw new UsageError('--watch is the work of one process; leave out mpirun and --shard.');
  const folder = moveTo ?? copyTo;
  return {
    pictures,
    topK: wholeNumber('--top-k', flags.topK, 1),
    threshold: readThreshold(flags),
    sorting: folder === undefined ? undefined : { folder, how: moveTo === undefined ? 'copy' : 'move' },
    shard,
  };
}

async function* namedInputs(
  { pictures, sorting }: Request,
  { filesFrom, null: isNull }: PredictFlags,
  world: World | undefined,
) {
  const { inputsFrom, predictInputs } = await import('../predict/inputs.ts');
  const stdin = world ? shareStdin(world) : process.stdin;
  yield* predictInputs(pictures, { except: sorting?.folder, stdin });
  if (filesFrom !== undefined) yield* inputsFrom(filesFrom, isNull ? '\0' : '\n', stdin);
}

/** A launcher gives stdin to rank 0 alone. */
async function* shareStdin(world: World): AsyncGenerator<Buffer> {
  const read = async () => (await buffer(process.stdin)).toString('base64');
  yield Buffer.from(await readTogether(world, read), 'base64');
}

interface Work {
  /** How many pictures there are at least; those of a watched folder are without number. */
  least: number;
  /** Pictures that are answered before the next ones are waited for. */
  groups(signal: AbortSignal): AsyncIterable<Inputs>;
}

async function findWork(request: Request, flags: PredictFlags, world: World | undefined): Promise<Work> {
  const { watch } = flags;
  if (watch !== undefined) {
    const { watchFolder } = await import('../predict/watch.ts');
    const groups: Work['groups'] = (signal) =>
      watchFolder(watch, { signal, except: request.sorting?.folder });
    return { least: Number.POSITIVE_INFINITY, groups };
  }
  const { ahead, all } = await readAhead(namedInputs(request, flags, world), picturesWorthStarting);
  return {
    least: ahead.length,
    async *groups() {
      yield all();
    },
  };
}

/** The network of the checkpoint that rank 0 has found, also where a training makes newer ones meanwhile. */
async function readOnRanks(
  world: World,
  read: (place: string) => Promise<StoredNetwork>,
  place: string,
): Promise<StoredNetwork> {
  if (world.rank > 0) return read(await world.share(''));
  const network = await read(place);
  await world.share(network.checkpoint.folder);
  return network;
}

/** Reads and checks the weights, for which no engine is needed, while it starts. */
async function start(
  settings: Settings,
  flags: PredictFlags,
  { least, world }: { least: number; world: World | undefined },
): Promise<{ engine: Engine; model: Predictor }> {
  const read = (place: string) => readNetwork(place, flags.newest ? 'newest' : 'best', notice);
  const place = checkpointPlace(flags.checkpoint, settings.checkpoints);
  const [network, engine] = await Promise.all([
    world ? readOnRanks(world, read, place) : read(place),
    startEngineFor(settings, least),
  ]);
  const { restorePredictor } = await import('../predict/load_predictor.ts');
  return { engine, model: restorePredictor(network) };
}

/** Batches of answers in the inputs' order; none on ranks other than 0. */
async function* answersTo(
  inputs: Inputs,
  model: Predictor,
  { activation }: PredictFlags,
  { world, shard, signal }: { world: World | undefined; shard: Shard | undefined; signal: AbortSignal },
): AsyncGenerator<Prediction[]> {
  const { batchSizeFor, predictBatches } = await import('../predict/predict_all.ts');
  const size = batchSizeFor(model);
  if (world) {
    const { inBatches } = await import('../async/in_batches.ts');
    const { predictOnRanks } = await import('../predict/predict_on_ranks.ts');
    return yield* inBatches(predictOnRanks(world, model, inputs, activation, signal), size);
  }
  const own = shard ? streamShareOf(inputs, shard, size) : inputs;
  for await (const batch of predictBatches(model, own, activation)) {
    yield batch;
    if (signal.aborted) return;
  }
}

/** Answers are no labels: what is sorted is never put among the pictures to train on. */
async function refuseAmongPictures(
  settings: Settings,
  { folder, how }: NonNullable<Request['sorting']>,
): Promise<void> {
  const { keepOutputApart } = await import('../system/keep_apart.ts');
  await keepOutputApart(settings, { option: `--${how}-to`, path: folder });
}

async function predict(pictures: string[], flags: PredictFlags, world: World | undefined): Promise<void> {
  const request = readFlags(pictures, flags, world);
  const settings = await readEngineSettings(flags, world);
  if (request.sorting) await refuseAmongPictures(settings, request.sorting);
  const work = await findWork(request, flags, world);
  const { engine, model } = await start(settings, flags, { least: work.least, world });
  const tell = await teller(request, flags, model.description.classes);
  const isSilent = world !== undefined && world.rank > 0;
  if (!isSilent) await tell.head();
  let isAnnounced = isSilent;
  const signal = abortOnSignals();
  const { shard } = request;
  for await (const group of work.groups(signal))
    for await (const batch of answersTo(group, model, flags, { world, shard, signal })) {
      if (!isAnnounced) announceCheckpoint(model.checkpoint);
      await tell.batch(batch);
      // It reads the manifests of all runs, which the first answers do not wait for.
      if (!isAnnounced) await adviseBetterRun(model.checkpoint, flags.checkpoint, settings.checkpoints);
      isAnnounced = true;
    }
  model.dispose();
  await engine.dispose();
  // A watched folder is never at its end.
  const stopped = signal.aborted && flags.watch === undefined;
  if (stopped) process.exitCode = 130;
  tell.end(stopped);
}

/** Sorts and prints batches of answers, and counts them. */
async function teller({ topK, threshold, sorting }: Request, flags: PredictFlags, classes: string[]) {
  const { checkFolderNames, sortInto } = sorting ? await import('../predict/sort.ts') : {};
  checkFolderNames?.(classes);
  const kind = flags.activation === 'none' ? 'logit' : 'probability';
  const format = flags.json ? jsonOutput : flags.csv ? csvOutput : textOutput;
  const output = format({ classes, kind, topK, sorts: sorting !== undefined });
  const sortedByClass = new Map<string, number>();
  let told = 0;
  let failed = 0;

  function recordOf(prediction: Prediction): PredictRecord {
    const file = prediction.name;
    if ('error' in prediction) return { file, error: prediction.error };
    const { values } = prediction;
    return { file, values, answer: readAnswer(values, classes, threshold) };
  }

  async function sort(records: PredictRecord[]): Promise<void> {
    if (!sorting || !sortInto) return;
    const answered = records.filter((record) => record.answer);
    const sortings = answered.map(({ file, answer }): Sorting => ({ file, class: answer?.class as string }));
    const sorted = await sortInto(sorting.folder, sorting.how, sortings);
    for (const [index, record] of answered.entries()) {
      const { class: name } = sortings[index] as Sorting;
      Object.assign(record, sorted[index]);
      if (record.to !== undefined) sortedByClass.set(name, (sortedByClass.get(name) ?? 0) + 1);
    }
  }

  return {
    async head(): Promise<void> {
      if (output.head !== undefined) await write(`${output.head}\n`);
    },
    async batch(batch: Prediction[]): Promise<void> {
      const records = batch.map(recordOf);
      told += records.length;
      await sort(records);
      for (const { file, error } of records) {
        if (error === undefined) continue;
        failed++;
        notice(`${printable(file)}: ${error}`);
      }
      const lines = records.map(output.line).filter((line) => line !== undefined);
      await write(lines.map((line) => `${line}\n`).join(''));
    },
    /** @throws {UserError} where some of the pictures failed. */
    end(stopped: boolean): void {
      if (stopped && told > 0) console.error(`Stopped after ${told} pictures.`);
      if (sorting) {
        const counts = [...sortedByClass].sort().map(([name, count]) => `${count} ${name}`);
        const done = sorting.how === 'move' ? 'Moved' : 'Copied';
        console.error(`${done} to ${sorting.folder}: ${counts.join(', ') || 'nothing'}`);
      }
      if (failed === 0 || stopped) return;
      const what = sorting
        ? 'could not be read or sorted; the others are sorted'
        : 'could not be read; the others are answered';
      throw new UserError(`${failed} of the pictures ${what}.`);
    },
  };
}

/** Waits while whoever reads is behind, so that answers do not pile up here. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** The first `count` of a list whose end is not known, and all of it. */
async function readAhead<T>(list: AsyncGenerator<T>, count: number) {
  const ahead: T[] = [];
  while (ahead.length < count) {
    const next = await list.next();
    if (next.done) break;
    ahead.push(next.value);
  }
  return {
    ahead,
    async *all() {
      yield* ahead;
      yield* list;
    },
  };
}
