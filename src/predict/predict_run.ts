import { readNetwork, type StoredNetwork } from '../checkpoints/index.ts';
import { type Shard, streamShareOf, type World } from '../cluster/index.ts';
import type { Settings } from '../config/index.ts';
import { type Engine, manyPictures, soonestEngine } from '../engine/engine.ts';
import { UsageError } from '../errors.ts';
import { type ClassAnswer, none, type Reader, readerFor } from './answer.ts';
import type { Inputs, Prediction } from './predict_all.ts';
import { type Activation, ownActivation, type Predictor } from './predictor.ts';
import type { Sorting } from './sort.ts';

/** Which pictures to classify: those of `watch` alone, or those that `names` and then `list` stand for. */
export interface PictureSource {
  /** Files, folders, globs, or '-' for stdin. */
  names: string[];
  /** A file of file names ('-' for stdin) and what ends each name. */
  list?: { file: string; end: '\n' | '\0' } | undefined;
  /** A folder; its pictures are classified as they arrive. */
  watch?: string | undefined;
}

export interface PredictRequest {
  source: PictureSource;
  /** A checkpoint, a run, or a folder of runs. */
  place: string;
  which: 'best' | 'newest';
  /** Absent: sigmoid for a network whose classes do not exclude each other, softmax for others. */
  activation?: Activation | undefined;
  /** The class is 'unknown' where no probability reaches it, 0..1. */
  threshold?: number | undefined;
  /** Moves or copies each picture to <folder>/<class>/. */
  sorting?: { folder: string; how: 'move' | 'copy' } | undefined;
  shard?: Shard | undefined;
  world?: World | undefined;
}

/** One picture's result: an answer, an error, or both where it was classified but could not be sorted. */
export interface PredictRecord {
  file: string;
  answer?: ClassAnswer;
  /** The network's output, one value per class. */
  values?: Float32Array;
  /** Where the picture was moved or copied to: one path, or with --multi-label one for each class that is answered. */
  to?: string[];
  error?: string;
}

/** A network that is ready to classify the pictures of a request. */
export interface PredictRun {
  predictor: Predictor;
  /** Of the values that are answered. */
  activation: Activation;
  /** Batches of records in the pictures' order; none on ranks other than 0. */
  records(signal: AbortSignal): AsyncGenerator<PredictRecord[]>;
  dispose(): Promise<void>;
}

/** The pictures of a source, before it has been read to its end. */
interface OpenSource {
  /** At least so many pictures follow. */
  minCount: number;
  /** The pictures; each group is classified before the next one is awaited. */
  groups(signal: AbortSignal): AsyncIterable<Inputs>;
}

/** Launchers connect stdin to rank 0 alone, which broadcasts it. */
async function* broadcastStdin(world: World): AsyncGenerator<Buffer> {
  const { buffer } = await import('node:stream/consumers');
  const text = world.rank === 0 ? (await buffer(process.stdin)).toString('base64') : '';
  yield Buffer.from(await world.share(text), 'base64');
}

async function* inputsOf({ source, sorting, world }: PredictRequest) {
  const { inputsFrom, predictInputs } = await import('./inputs.ts');
  const { names, list } = source;
  const stdin = world ? broadcastStdin(world) : process.stdin;
  yield* predictInputs(names, { except: sorting?.folder, stdin });
  if (list) yield* inputsFrom(list.file, list.end, stdin);
}

async function openSource(request: PredictRequest): Promise<OpenSource> {
  const { watch } = request.source;
  if (watch !== undefined) {
    const { watchFolder } = await import('./watch.ts');
    const except = request.sorting?.folder;
    return { minCount: Number.POSITIVE_INFINITY, groups: (signal) => watchFolder(watch, { signal, except }) };
  }
  const { ahead, all } = await readAhead(inputsOf(request), manyPictures);
  return {
    minCount: ahead.length,
    async *groups() {
      yield all();
    },
  };
}

/** Reads the first `count` items of a list of unknown length. @returns them, and all items. */
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

/** Rank 0 chooses the checkpoint; the others read the same one, even if a training saves a newer one meanwhile. */
async function readNetworkOnRanks(
  { place, which, world }: PredictRequest,
  notice: (text: string) => void,
): Promise<StoredNetwork> {
  if (!world) return readNetwork(place, which, notice);
  if (world.rank > 0) return readNetwork(await world.share(''), which, notice);
  const network = await readNetwork(place, which, notice);
  await world.share(network.checkpoint.folder);
  return network;
}

async function startEngineFor(settings: Settings, pictures: number): Promise<Engine> {
  const { startEngine } = await import('../engine/index.ts');
  return startEngine(soonestEngine(settings.engine, pictures), settings);
}

/** Predictions in batches, in the inputs' order; none on ranks other than 0. */
async function* predictInBatches(
  inputs: Inputs,
  predictor: Predictor,
  { activation, world, shard }: PredictRequest & { activation: Activation },
  signal: AbortSignal,
): AsyncGenerator<Prediction[]> {
  const { batchSizeFor, predictBatches } = await import('./predict_all.ts');
  const size = batchSizeFor(predictor);
  if (world) {
    const { inBatches } = await import('../async/in_batches.ts');
    const { predictOnRanks } = await import('./predict_on_ranks.ts');
    return yield* inBatches(predictOnRanks(world, predictor, inputs, activation, signal), size);
  }
  const own = shard ? streamShareOf(inputs, shard, size) : inputs;
  for await (const batch of predictBatches(predictor, own, activation)) {
    yield batch;
    if (signal.aborted) return;
  }
}

function recordOf(prediction: Prediction, read: Reader): PredictRecord {
  const { name: file } = prediction;
  if ('error' in prediction) return { file, error: prediction.error };
  return { file, values: prediction.values, answer: read(prediction) };
}

type SortingRequest = NonNullable<PredictRequest['sorting']>;

/** Sorts the pictures that have an answer, and notes in their records where they are now or why they stayed. */
async function sortRecords(records: PredictRecord[], { folder, how }: SortingRequest): Promise<void> {
  const { sortInto } = await import('./sort.ts');
  const foldersOf = ({ answer }: PredictRecord) => answer?.classes ?? [answer?.class as string];
  const answered = records.filter((record) => record.answer);
  const put = async (
    some: PredictRecord[],
    way: SortingRequest['how'],
    at: (names: string[]) => string[],
  ) => {
    const sortings = some.flatMap((record) => {
      const names = foldersOf(record);
      return at(names.length > 0 ? names : [none]).map((name) => ({ record, name }));
    });
    const files = sortings.map(({ record: { file }, name }): Sorting => ({ file, class: name }));
    for (const [index, done] of (await sortInto(folder, way, files)).entries()) {
      const { record } = sortings[index] as (typeof sortings)[number];
      if ('error' in done) record.error = done.error;
      else record.to = [...(record.to ?? []), done.to];
    }
  };
  // A picture of several classes goes to the last of their folders only once it is in all others.
  await put(answered, 'copy', (names) => names.slice(0, -1));
  const whole = answered.filter(({ error }) => error === undefined);
  await put(whole, how, (names) => names.slice(-1));
}

/** @throws {UsageError} where a softmax is asked of classes that do not exclude each other. */
function activationFor(request: PredictRequest, { description }: Predictor): Activation {
  if (description.isMultiLabel && request.activation === 'softmax')
    throw new UsageError(
      'The network was trained with --multi-label, so that its probabilities do not add up to 1; ' +
        'leave out --activation softmax.',
    );
  return request.activation ?? ownActivation(description);
}

/**
 * Starts an engine and loads the network, side by side; the weights are read and checked while the engine starts.
 * @param notice called where the first choice of a run is damaged and another checkpoint is used.
 * @throws {UsageError} where the activation does not fit the network.
 * @throws {UserError} where there is no whole checkpoint, the engine cannot run, the list or the watched folder cannot be
 * read, or pictures are to be sorted and no folder can be named after one of the classes.
 */
export async function startPredicting(
  request: PredictRequest,
  settings: Settings,
  notice: (text: string) => void,
): Promise<PredictRun> {
  const { sorting, threshold } = request;
  const { minCount, groups } = await openSource(request);
  const [network, engine] = await Promise.all([
    readNetworkOnRanks(request, notice),
    startEngineFor(settings, minCount),
  ]);
  const { restorePredictor } = await import('./load_predictor.ts');
  const predictor = restorePredictor(network);
  const activation = activationFor(request, predictor);
  const read = readerFor(predictor, activation, threshold);
  const { classes } = predictor.description;
  if (sorting) (await import('./sort.ts')).checkFolderNames(classes);
  return {
    predictor,
    activation,
    async *records(signal) {
      for await (const group of groups(signal))
        for await (const batch of predictInBatches(group, predictor, { ...request, activation }, signal)) {
          const records = batch.map((prediction) => recordOf(prediction, read));
          if (sorting) await sortRecords(records, sorting);
          yield records;
        }
    },
    async dispose() {
      predictor.dispose();
      await engine.dispose();
    },
  };
}
