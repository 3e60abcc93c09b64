import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import type { Online } from '../augment/online.ts';
import {
  type Checkpoint,
  type CheckpointInfo,
  checkTensors,
  compareMetrics,
  type FileName,
  isRunRemoved,
  loadTensors,
  lockRun,
  type Metrics,
  type Position,
} from '../checkpoints/index.ts';
import { RankFailed, type Shard, shareOf, type World } from '../cluster/index.ts';
import type { Settings } from '../config/index.ts';
import { type Batch, batches, type Vary } from '../dataset/batches.ts';
import { digestPictures } from '../dataset/digests.ts';
import { type Pack, packPictures } from '../dataset/pack.ts';
import { type Dataset, scanDataset } from '../dataset/scan.ts';
import { shuffle } from '../dataset/shuffle.ts';
import { applySoftLabels } from '../dataset/soft_labels.ts';
import { fallShort, type Split, splitPictures } from '../dataset/split.ts';
import type { Engine } from '../engine/index.ts';
import { reason, UserError } from '../errors.ts';
import { variablesOf } from '../model_tools/index.ts';
import { createModel, type Model, type ModelDescription } from '../models/model.ts';
import { type HeldBack, readHeldBack, saveHeldBack, sidesBefore } from '../runs/held_back.ts';
import { appendHistory, cutHistory } from '../runs/history.ts';
import { beginSession, type OpenSession } from '../runs/record.ts';
import { Adam } from './adam.ts';
import { CheckpointSaver, type TensorSource, tensorSources } from './checkpoint_saver.ts';
import { broadcastVariables, GradientExchange } from './exchange.ts';
import {
  changedSettings,
  checkSameNetwork,
  describeChanges,
  describeNetwork,
  isOver,
  refuseCheckpoints,
} from './resume.ts';
import { learningRateAt, scaleOf } from './schedule.ts';
import { type BatchResult, evaluateBatch, type StepOptions, trainStep } from './step.ts';
import { trainStepTogether } from './step_together.ts';
import { balancedWeights, type Objective } from './targets.ts';
import { openTrainingLog, type TrainingLog } from './training_log.ts';
import { learntTensors, WeightAverage, withLearnt } from './weight_average.ts';

/** What the caller is told as training goes on. */
export interface TrainingEvents {
  decoding?(done: number, total: number): void;
  started?(start: {
    model: Model;
    dataset: Dataset;
    split: Split;
    stepsPerEpoch: number;
    /** Pictures a step, of all ranks together. */
    batchSize: number;
    position: Position;
  }): void;
  /** After each step; `rate` is pictures a second. */
  step?(position: Position, result: BatchResult, rate: number): void;
  epoch?(epoch: number, metrics: Metrics): void;
  notice?(text: string): void;
}

export interface TrainingOptions {
  settings: Settings;
  /** Folder of this run's checkpoints and logs. */
  run: string;
  resume?: Checkpoint | undefined;
  /** The ranks that train together, each of which calls this with the same settings, run and resume. */
  world?: World | undefined;
  /** What computes, and the command line, for the run's record. */
  engine?: Engine;
  command?: string;
  /** Once aborted, training finishes its step, saves and returns. */
  signal?: AbortSignal;
  events?: TrainingEvents;
}

export interface TrainingResult {
  run: string;
  position: Position;
  metrics: Metrics;
  /** The best epoch by validation, whose checkpoint is kept and answers; absent without validation. */
  best?: CheckpointInfo['best'];
  /** False where the signal ended it before the last epoch. */
  finished: boolean;
}

/** Everything that one training works with. */
interface Training {
  run: string;
  settings: Settings;
  dataset: Dataset;
  split: Split;
  pack: Pack;
  model: Model;
  adam: Adam;
  objective: Objective;
  /** With --ema: what answers in place of the weights of the last step. */
  average: WeightAverage | undefined;
  position: Position;
  metrics: Metrics;
  best: CheckpointInfo['best'];
  stepsPerEpoch: number;
  /** Pictures a step, of all ranks together. */
  globalBatch: number;
  /** What of each batch is this rank's: all where there are no others. */
  part: Shard;
  /** Where there are other ranks. */
  exchange: GradientExchange | undefined;
  /** What writes to the run's folder; on rank 0 alone. */
  records: Records | undefined;
  /** Varies what is trained on, with --augment online. */
  online: Online | undefined;
  events: TrainingEvents;
  signal: AbortSignal | undefined;
}

interface Records {
  saver: CheckpointSaver;
  log: TrainingLog;
  session: OpenSession;
}

/**
 * Trains a network on data/<class>/ and saves checkpoints and TensorBoard logs in `run`.
 * The engine must have been started.
 * @throws {UserError} for too few classes or pictures, a loss that is no number, a resume that does not fit, a folder
 * that another training writes to or has written checkpoints to.
 */
export async function train(options: TrainingOptions): Promise<TrainingResult> {
  if (options.world && options.world.rank > 0) return trainLocked(options);
  const unlock = await lockRun(options.run);
  try {
    return await trainLocked(options);
  } catch (error) {
    // Whatever could not be written then.
    await refuseRemoved(options.run);
    throw error;
  } finally {
    await unlock();
  }
}

/** @throws {UserError} where the run's folder was removed while it was trained: saving would make another one. */
async function refuseRemoved(run: string): Promise<void> {
  if (!(await isRunRemoved(run))) return;
  throw new UserError(`${run} was removed while it was trained; nothing is left to resume. Train again.`);
}

async function trainLocked(options: TrainingOptions): Promise<TrainingResult> {
  const training = await begin(options);
  const { position, records } = training;
  try {
    while (!isFinished(training) && !isStopped(training)) await runEpoch(training);
    await records?.saver.finish();
    if (records) await refuseRemoved(options.run);
    if (isFinished(training)) records?.log.finish('success', position.step);
  } catch (error) {
    if (error instanceof RankFailed) await save(training);
    const isRemoved = records !== undefined && (await isRunRemoved(options.run));
    if (!isRemoved)
      await records?.session.end({ state: 'failed', failure: reason(error), to: position }).catch(() => {});
    throw error;
  } finally {
    await records?.saver.close();
    await records?.log.close();
    await training.online?.close();
    training.average?.dispose();
    training.adam.dispose();
    training.model.dispose();
  }
  const finished = isFinished(training);
  await records?.session.end({ state: finished ? 'finished' : 'stopped', to: position });
  const { metrics, best } = training;
  return { run: options.run, position, metrics, ...(best && { best }), finished };
}

function isFinished(training: Training): boolean {
  return isOver(training, training.settings);
}

/** Whether this process has been asked to stop; of several, whether all know that one has. */
function isStopped({ exchange, signal }: Training): boolean {
  return exchange ? exchange.stopped : signal?.aborted === true;
}

/** What there is to learn from, and by what. */
interface Prepared {
  description: ModelDescription;
  pack: Pack;
  dataset: Dataset;
  split: Split;
  /** What a resumed run has held back so far; on rank 0 alone. */
  before: HeldBack | undefined;
  stepsPerEpoch: number;
  objective: Objective;
}

/** What a rank reads of data/. */
type Read = Pick<Prepared, 'description' | 'pack' | 'dataset'>;

/** @param isFirst whether this is rank 0, which alone needs the raw pictures: it splits for all. */
async function readPictures(
  settings: Settings,
  events: TrainingEvents,
  { resume, isFirst }: { resume: Checkpoint | undefined; isFirst: boolean },
): Promise<Read> {
  const { data, workers } = settings;
  const rawData = isFirst ? settings.rawData : undefined;
  const found = await scanDataset(data, rawData, (text) => events.notice?.(text));
  const description = describeNetwork(settings, found.classes, resume);
  if (resume) checkSameNetwork(resume, description);
  const dataset = isFirst ? await digestPictures(found, { folder: data, workers }) : found;
  const pack = await packPictures(dataset, {
    folder: data,
    size: settings,
    workers,
    onProgress: (done) => events.decoding?.(done, dataset.pictures.length),
  });
  return { description, pack, dataset };
}

/**
 * @param resume what is to be trained on, checked before the pictures are decoded.
 * @param world the ranks that share each step.
 * @throws {UserError} for too few classes or pictures, or a checkpoint of another network.
 */
export async function prepare(
  settings: Settings,
  events: TrainingEvents,
  { resume, world }: { resume?: Checkpoint | undefined; world?: World | undefined } = {},
): Promise<Prepared> {
  const isFirst = world === undefined || world.rank === 0;
  const before = resume && isFirst ? await readHeldBack(dirname(resume.folder)) : undefined;
  const read = () => readPictures(settings, events, { resume, isFirst });
  const { description, pack, dataset: scanned } = await (world ? world.inTurn(read) : read());
  const own = isFirst ? partPictures(scanned, { pack, before }, settings, events) : undefined;
  const parts = (world ? await world.share(own) : own) as Split;
  const { dataset, split } = await applySoftLabels(settings.data, scanned, parts);
  const stepsPerEpoch = countSteps(split, (world?.size ?? 1) * settings.batchSize);
  const objective = objectiveOf(dataset, split, settings);
  return { description, pack, dataset, split, before, stepsPerEpoch, objective };
}

async function begin(options: TrainingOptions): Promise<Training> {
  const { settings, run, resume, world, signal, events = {} } = options;
  const part: Shard = world ? { index: world.rank, count: world.size } : { index: 0, count: 1 };
  if (!resume && part.index === 0) await refuseCheckpoints(run);
  const prepared = await prepare(settings, events, { resume, world });
  const { description, pack, dataset, split, stepsPerEpoch } = prepared;
  if (settings.earlyStopping > 0 && split.validation.length === 0) {
    throw new UserError(
      '--early-stopping goes by the validation, and no picture is held back for it; raise --validation-split.',
    );
  }
  // Of ranks the first has the checkpoint, and tells the others.
  const load = (name: FileName) =>
    resume && part.index === 0 ? loadTensors(resume, name) : new Map<string, Float32Array>();
  const [weights, optimizer] = [await load('weights.bin'), await load('optimizer.bin')];
  const { seed, dropout, weightDecay, ema } = settings;
  const restored = withLearnt(weights, optimizer);
  const preprocessing = resume?.manifest.preprocessing;
  const model = createModel(description, { seed, restored, dropout, preprocessing });
  const adam = new Adam(model.variables, optimizer, { weightDecay });
  const kept = keptOf(model);
  const globalBatch = part.count * settings.batchSize;
  const digest = digestOf(dataset, split);
  const position = resume
    ? resumedPosition(resume, { digest, batchSize: globalBatch, stepsPerEpoch }, events)
    : { step: 0, epoch: 0, batch: 0, lossSum: 0, correct: 0 };
  if (resume) {
    checkTensors(resume, 'weights.bin', model.layers.flatMap(variablesOf));
    checkTensors(resume, 'optimizer.bin', adam.snapshot());
  }
  const average = ema > 0 ? new WeightAverage(kept, ema, weights) : undefined;
  if (world) {
    await checkSamePictures(world, digest, settings);
    await broadcastVariables(world, kept);
    if (resume) await broadcastVariables(world, adam.moments);
    if (average) await broadcastVariables(world, average.averages);
  }
  const training: Training = {
    run,
    settings,
    dataset,
    split,
    pack,
    model,
    adam,
    objective: prepared.objective,
    average,
    position,
    metrics: resume?.manifest.metrics ?? {},
    best: resume?.manifest.best,
    stepsPerEpoch,
    globalBatch,
    part,
    exchange: world && new GradientExchange({ world, model, settings }),
    records: undefined,
    online: settings.augment === 'online' ? await startOnlineFor(dataset, settings) : undefined,
    events,
    signal,
  };
  if (part.index === 0)
    training.records = await openRecords(training, options, { digest, before: prepared.before });
  events.started?.({
    model,
    dataset,
    split,
    stepsPerEpoch,
    batchSize: globalBatch,
    position: { ...position },
  });
  return training;
}

async function openRecords(
  training: Training,
  options: TrainingOptions,
  known: { digest: string; before: HeldBack | undefined },
): Promise<Records> {
  const { run, settings, dataset, split, pack, model, position } = training;
  const firstStep = position.step + 1;
  return {
    saver: new CheckpointSaver(run, settings, () => snapshot(training, known.digest)),
    log: await openTrainingLog(run, { settings, dataset, split, pack, model, firstStep }),
    session: await beginRun(options, training, known),
  };
}

/** @throws {UserError} where a rank would learn from other pictures than rank 0. */
async function checkSamePictures(world: World, digest: string, { data }: Settings): Promise<void> {
  if ((await world.share(digest)) === digest) return;
  throw new UserError(
    `${data} is not as rank 0 has it; put it on a disk that all share, or copy it to each.`,
  );
}

/** Keeps in the run's folder what evaluate, runs and report want to know of it. */
async function beginRun(
  { settings, run, resume, engine, command, events }: TrainingOptions,
  { dataset, split, position, globalBatch, part }: Training,
  { digest, before }: { digest: string; before: HeldBack | undefined },
): Promise<OpenSession> {
  const count = (part: number[], label: number) =>
    part.filter((index) => dataset.pictures[index]?.label === label).length;
  await saveHeldBack(run, { data: settings.data, dataset, split, digest, before });
  await cutHistory(run, position.epoch);
  const now = { ...settings, batchSize: globalBatch, ranks: part.count };
  const changed = resume ? await changedSettings(resume, now) : {};
  const isChanged = Object.keys(changed).length > 0;
  if (isChanged) events?.notice?.(`Continuing with changed settings: ${describeChanges(changed)}`);
  if (['validationSplit', 'seed', 'groupLookalikes'].some((name) => name in changed))
    events?.notice?.('What is held back stays so; other settings of it count for pictures that are new.');
  const start = {
    command: command ?? null,
    settings,
    ...(isChanged ? { changed } : {}),
    ...(part.count > 1 ? { ranks: part.count } : {}),
    engine: engine ? { name: engine.name, description: engine.description } : null,
    dataset: dataset.classes.map((name, label) => ({
      class: name,
      train: count(split.train, label),
      validation: count(split.validation, label),
    })),
    from: { epoch: position.epoch, step: position.step },
  };
  return beginSession(run, start, resume !== undefined);
}

/**
 * Parts the pictures for training and validation, and says where whole groups do not allow what is asked for.
 * @param before what a resumed run has held back so far.
 */
function partPictures(
  { pictures, classes }: Dataset,
  { pack: { lookalikes }, before }: { pack: Pack; before: HeldBack | undefined },
  { data, validationSplit: share, seed, groupLookalikes }: Settings,
  events: TrainingEvents,
): Split {
  const sides = before && sidesBefore(before, pictures, data);
  const alike = groupLookalikes === 'on' ? lookalikes : undefined;
  const options = { classes: classes.length, share, seed, lookalikes: alike, sides };
  const split = splitPictures(pictures, options);
  // The pictures of a resumed run keep their sides, whatever share is asked for now.
  if (before) return split;
  for (const { label, held } of fallShort(pictures, split, { classes: classes.length, share })) {
    events.notice?.(
      `Only ${(100 * held).toFixed(1)} % of the class "${classes[label]}" can be held back for validation: ` +
        'its pictures are copies of few, or look the same; "bat-sup check" lists them.',
    );
  }
  return split;
}

function objectiveOf(
  { pictures, classes }: Dataset,
  { train }: Split,
  { labelSmoothing, classWeights }: Settings,
): Objective {
  if (classWeights === 'off') return { labelSmoothing };
  const labels = train.map((index) => pictures[index]?.label as number);
  return { labelSmoothing, classWeights: balancedWeights(labels, classes.length) };
}

/** Batches an epoch; a last one that is not full waits for the next epoch's shuffle. */
function countSteps(split: Split, batchSize: number): number {
  const steps = Math.floor(split.train.length / batchSize);
  if (steps > 0) return steps;
  throw new UserError(
    `There are ${split.train.length} pictures to train on, fewer than one batch of ${batchSize}; ` +
      'add pictures, run "bat-sup augment", or lower --batch-size.',
  );
}

/** What an epoch's order depends on besides the seed: which pictures, and how split. */
export function digestOf(dataset: Dataset, split: Split): string {
  // The JSON of [pictures, split], piece by piece: a million pictures make no string.
  const hash = createHash('sha256').update('[[');
  for (const [index, { file, label }] of dataset.pictures.entries())
    hash.update(`${index === 0 ? '' : ','}${JSON.stringify([file, label])}`);
  return hash.update(`],${JSON.stringify(split)}]`).digest('hex');
}

function resumedPosition(
  { manifest }: Checkpoint,
  now: { digest: string; batchSize: number; stepsPerEpoch: number },
  events: TrainingEvents,
): Position {
  const { position, training } = manifest;
  if (training.dataset !== now.digest) {
    events.notice?.('The pictures are not those that training began with; the epoch begins anew.');
    return { ...position, batch: 0, lossSum: 0, correct: 0 };
  }
  return inBatchesOf(now, position, training.batchSize);
}

/**
 * The same position in batches of another size; where it falls within one, that begins again. The order of an epoch's
 * pictures does not depend on the batches.
 */
function inBatchesOf(
  { batchSize, stepsPerEpoch }: { batchSize: number; stepsPerEpoch: number },
  position: Position,
  sizeBefore: number,
): Position {
  if (batchSize === sizeBefore) return { ...position };
  const seen = position.batch * sizeBefore;
  const batch = Math.min(Math.floor(seen / batchSize), stepsPerEpoch);
  const lossSum = batch === 0 ? 0 : (position.lossSum * batch) / position.batch;
  const correct = batch === 0 ? 0 : Math.round((position.correct * batch * batchSize) / seen);
  return { ...position, batch, lossSum, correct };
}

/** All that a network is: what it learns, and what its layers keep besides. */
function keptOf({ variables, state }: Model): Map<string, tf.Variable> {
  return new Map([...variables, ...state]);
}

function snapshot(
  training: Training,
  dataset: string,
): { info: CheckpointInfo; weights: TensorSource[]; optimizer: TensorSource[] } {
  const { model, adam, average, settings, globalBatch: batchSize, position, metrics, best } = training;
  const { seed, learningRate, validationSplit, fit, ema } = settings;
  const learnt = keptOf(model);
  const weights = tensorSources(average?.averages ?? learnt);
  const info: CheckpointInfo = {
    model: model.description,
    preprocessing: { fit, ...model.preprocessing },
    training: { seed, batchSize, learningRate, validationSplit, dataset },
    position: { ...position },
    metrics: { ...metrics },
    ...(best && { best }),
    ...(average && { ema }),
  };
  return { info, weights, optimizer: [...adam.snapshot(), ...(average ? learntTensors(learnt) : [])] };
}

/** One epoch, or what is left of it, then validation and a checkpoint. */
async function runEpoch(training: Training): Promise<void> {
  const { settings, dataset, split, pack, position, stepsPerEpoch, globalBatch, part, records } = training;
  const { batchSize, clipNorm, seed } = settings;
  const { objective, average, exchange } = training;
  const order = shuffle(split.train, `${seed}/epoch/${position.epoch}`).slice(0, stepsPerEpoch * globalBatch);
  const ahead = order.slice(position.batch * globalBatch);
  const record = recorder(training);
  const lastStep = position.step + stepsPerEpoch - position.batch;
  const isLastEpoch = position.epoch + 1 === settings.epochs;
  let step = position.step;
  let reading: (() => BatchResult) | undefined;
  const vary = variation(training);
  const started = performance.now();
  const mine = shareOf(ahead, part, batchSize);
  for await (const batch of batches(pack, dataset.pictures, mine, batchSize, vary)) {
    step++;
    const watch = step === lastStep ? records?.log.watchStep(step, isLastEpoch) : undefined;
    const learningRate = rateOf(training, position.batch + (reading ? 2 : 1));
    const next = await takeStep(training, batch, { step, learningRate, objective, clipNorm, watch });
    average?.follow(step);
    if (reading) await record(reading());
    reading = next;
    const stopped = isStopped(training);
    const due = records?.saver.isDue(step) === true && position.batch + 1 < stepsPerEpoch;
    // What ranks tell each other is read already, and another's failure may come with the next step.
    if (!exchange && !stopped && !due) continue;
    await record(reading());
    reading = undefined;
    if (stopped || due) await save(training);
    if (stopped) return;
  }
  if (reading) await record(reading());
  await endEpoch(training, { seconds: (performance.now() - started) / 1000, pictures: ahead.length });
}

/** @param batch of the epoch under way, 1 for the first. */
function rateOf({ settings, position, stepsPerEpoch, part }: Training, batch: number): number {
  // Not by the steps so far: imported optimizers bring some, and earlier epochs may have had more or fewer.
  const step = position.epoch * stepsPerEpoch + batch;
  return scaleOf(settings, part.count) * learningRateAt(step, settings, stepsPerEpoch);
}

async function takeStep(training: Training, batch: Batch, options: StepOptions): Promise<() => BatchResult> {
  const { model, adam, exchange, signal } = training;
  if (!exchange) return trainStep(model, adam, batch, options);
  const stop = signal?.aborted === true;
  const result = await trainStepTogether(model, adam, batch, { ...options, exchange, stop });
  return () => result;
}

export async function startOnlineFor(dataset: Dataset, settings: Settings): Promise<Online> {
  const { startOnline } = await import('../augment/online.ts');
  const { augmentOperations: operations, augmentClasses: classes, width, height, channels } = settings;
  return startOnline({ operations, classes, names: dataset.classes, width, height, channels });
}

/** Of this epoch: a picture's variation depends on the seed, the epoch and the picture, so that resuming repeats it. */
export function variation({
  online,
  settings,
  position,
}: Pick<Training, 'online' | 'settings'> & { position: Pick<Position, 'epoch'> }): Vary | undefined {
  if (!online) return undefined;
  const epoch = `${settings.seed}/online/${position.epoch}`;
  return ({ pixels, labels }, indexes) =>
    online.vary({ pixels, labels, keys: indexes.map((index) => `${epoch}/${index}`) });
}

/** Books the results of an epoch's steps, one after the other. */
function recorder(training: Training): (result: BatchResult) => Promise<void> {
  const { position, records, events, globalBatch: batchSize } = training;
  let before = performance.now();
  return async (result) => {
    if (!Number.isFinite(result.loss)) await failOnLoss(training, result.loss);
    position.step++;
    position.batch++;
    position.lossSum += result.loss;
    position.correct += result.correct;
    const now = performance.now();
    const rate = (batchSize * 1000) / (now - before);
    before = now;
    const learningRate = rateOf(training, position.batch);
    records?.log.step(position.step, { result, batchSize, learningRate, rate });
    events.step?.({ ...position }, result, rate);
  };
}

async function endEpoch(
  training: Training,
  { seconds, pictures }: { seconds: number; pictures: number },
): Promise<void> {
  const { run, position, stepsPerEpoch, globalBatch, records, events } = training;
  if (records) await refuseRemoved(run);
  training.metrics = {
    loss: position.lossSum / stepsPerEpoch,
    accuracy: position.correct / (stepsPerEpoch * globalBatch),
    ...(await (training.average?.during(() => validate(training)) ?? validate(training))),
  };
  Object.assign(position, { epoch: position.epoch + 1, batch: 0, lossSum: 0, correct: 0 });
  const { metrics, best } = training;
  const isBetter = !best || compareMetrics(metrics, best.metrics) < 0;
  if (metrics.validationAccuracy !== undefined && isBetter)
    training.best = { epoch: position.epoch, metrics };
  records?.log.epoch(position.step, training.metrics);
  events.epoch?.(position.epoch, training.metrics);
  const { epoch, step } = position;
  const time = new Date().toISOString();
  if (records)
    await appendHistory(run, { epoch, step, time, seconds, rate: pictures / seconds, ...training.metrics });
  await save(training);
}

/** The log is to know every step that a checkpoint goes on from, even if the process is killed. */
async function save({ run, records }: Training): Promise<void> {
  if (records) await refuseRemoved(run);
  await records?.log.flush();
  await records?.saver.save();
}

async function validate(training: Training): Promise<Metrics> {
  const { model, pack, dataset, split, settings, part, exchange, signal, records } = training;
  const mine = shareOf(split.validation, part);
  const watch = mine.length > 0 ? records?.log.watchValidation(mine) : undefined;
  let lossSum = 0;
  let correct = 0;
  for await (const batch of batches(pack, dataset.pictures, mine, settings.batchSize)) {
    const result = evaluateBatch(model, batch, watch);
    lossSum += result.loss * batch.labels.length;
    correct += result.correct;
  }
  if (exchange) [lossSum = 0, correct = 0] = await exchange.sum([lossSum, correct], signal?.aborted === true);
  const count = split.validation.length;
  if (count === 0) return {};
  return { validationLoss: lossSum / count, validationAccuracy: correct / count };
}

async function failOnLoss({ position, records }: Training, loss: number): Promise<never> {
  records?.log.finish('failure', position.step);
  await records?.saver.finish();
  throw new UserError(
    `The loss became ${loss} in epoch ${position.epoch + 1}, step ${position.step + 1}; ` +
      'the checkpoints before it are kept. Lower --learning-rate, then --resume.',
  );
}
