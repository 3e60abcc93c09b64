import { createHash } from 'node:crypto';
import type * as tf from '@tensorflow/tfjs-core';
import type { Online } from '../augment/online.ts';
import {
  type Checkpoint,
  type CheckpointInfo,
  checkTensors,
  compareMetrics,
  listCheckpoints,
  loadTensors,
  lockRun,
  type Metrics,
  type Position,
} from '../checkpoints/index.ts';
import type { Settings } from '../config/index.ts';
import { batches, type Vary } from '../dataset/batches.ts';
import { type Pack, packPictures } from '../dataset/pack.ts';
import { type Dataset, scanDataset } from '../dataset/scan.ts';
import { shuffle } from '../dataset/shuffle.ts';
import { applySoftLabels } from '../dataset/soft_labels.ts';
import { fallShort, type Split, splitPictures } from '../dataset/split.ts';
import type { Engine } from '../engine/index.ts';
import { reason, UserError } from '../errors.ts';
import { variablesOf } from '../model_tools/index.ts';
import { resolveArchitecture } from '../models/index.ts';
import { createModel, type Model, type ModelDescription } from '../models/model.ts';
import { saveHeldBack } from '../runs/held_back.ts';
import { appendHistory, cutHistory } from '../runs/history.ts';
import { beginSession, type OpenSession } from '../runs/record.ts';
import { Adam } from './adam.ts';
import { CheckpointSaver, type TensorSource, tensorSources } from './checkpoint_saver.ts';
import { changedSettings, checkSameNetwork, describeChanges, importedLayers } from './resume.ts';
import { learningRateAt } from './schedule.ts';
import { type BatchResult, evaluateBatch, trainStep } from './step.ts';
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
  saver: CheckpointSaver;
  log: TrainingLog;
  /** Varies what is trained on, with --augment online. */
  online: Online | undefined;
  session: OpenSession;
  events: TrainingEvents;
  signal: AbortSignal | undefined;
}

/**
 * Trains a network on data/<class>/ and saves checkpoints and TensorBoard logs in `run`.
 * The engine must have been started.
 * @throws {UserError} for too few classes or pictures, a loss that is no number, a resume that does not fit, a folder
 * that another training writes to or has written checkpoints to.
 */
export async function train(options: TrainingOptions): Promise<TrainingResult> {
  const unlock = await lockRun(options.run);
  try {
    return await trainLocked(options);
  } finally {
    await unlock();
  }
}

async function trainLocked(options: TrainingOptions): Promise<TrainingResult> {
  const training = await begin(options);
  const { position, saver, log, session } = training;
  try {
    while (!isFinished(training) && !training.signal?.aborted) await runEpoch(training);
    await saver.finish();
    if (isFinished(training)) log.finish('success', position.step);
  } catch (error) {
    await session.end({ state: 'failed', failure: reason(error), to: position }).catch(() => {});
    throw error;
  } finally {
    await saver.close();
    await log.close();
    await training.online?.close();
    training.average?.dispose();
    training.adam.dispose();
    training.model.dispose();
  }
  const finished = isFinished(training);
  await session.end({ state: finished ? 'finished' : 'stopped', to: position });
  const { metrics, best } = training;
  return { run: options.run, position, metrics, ...(best && { best }), finished };
}

/** After the last epoch, or once so many epochs were no better than the best. */
function isFinished({ position, settings, best }: Training): boolean {
  const { epochs, earlyStopping } = settings;
  const patienceEnds = earlyStopping > 0 && best ? best.epoch + earlyStopping : epochs;
  return position.epoch >= Math.min(epochs, patienceEnds);
}

/** What there is to learn from, and by what. */
interface Prepared {
  description: ModelDescription;
  pack: Pack;
  dataset: Dataset;
  split: Split;
  stepsPerEpoch: number;
  objective: Objective;
}

/**
 * @param resume what is to be trained on, checked before the pictures are decoded.
 * @throws {UserError} for too few classes or pictures, or a checkpoint of another network.
 */
export async function prepare(
  settings: Settings,
  events: TrainingEvents,
  resume?: Checkpoint,
): Promise<Prepared> {
  const scanned = await scanDataset(settings.data);
  const description: ModelDescription = {
    architecture: resolveArchitecture(settings.architecture, {
      ...settings,
      classes: scanned.classes.length,
    }),
    width: settings.width,
    height: settings.height,
    channels: settings.channels,
    classes: scanned.classes,
    ...importedLayers(resume),
  };
  if (resume) checkSameNetwork(resume, description);
  const pack = await packPictures(scanned, {
    folder: settings.data,
    size: settings,
    workers: settings.workers,
    onProgress: (done) => events.decoding?.(done, scanned.pictures.length),
  });
  const parts = partPictures(scanned, pack, settings, events);
  const { dataset, split } = await applySoftLabels(settings.data, scanned, parts);
  const stepsPerEpoch = countSteps(split, settings);
  const objective = objectiveOf(dataset, split, settings);
  return { description, pack, dataset, split, stepsPerEpoch, objective };
}

async function begin(options: TrainingOptions): Promise<Training> {
  const { settings, run, resume, signal, events = {} } = options;
  if (!resume) await refuseCheckpoints(run);
  const prepared = await prepare(settings, events, resume);
  const { description, pack, dataset, split, stepsPerEpoch } = prepared;
  if (settings.earlyStopping > 0 && split.validation.length === 0) {
    throw new UserError(
      '--early-stopping goes by the validation, and no picture is held back for it; raise --validation-split.',
    );
  }
  const weights = resume ? await loadTensors(resume, 'weights.bin') : new Map<string, Float32Array>();
  const optimizer = resume ? await loadTensors(resume, 'optimizer.bin') : new Map<string, Float32Array>();
  const { seed, dropout, weightDecay, ema } = settings;
  const restored = withLearnt(weights, optimizer);
  const preprocessing = resume?.manifest.preprocessing;
  const model = createModel(description, { seed, restored, dropout, preprocessing });
  const adam = new Adam(model.variables, optimizer, { weightDecay });
  const kept = keptOf(model);
  const digest = digestOf(dataset, split, settings);
  const position = resume
    ? resumedPosition(resume, digest, events)
    : { step: 0, epoch: 0, batch: 0, lossSum: 0, correct: 0 };
  if (resume) {
    checkTensors(resume, 'weights.bin', model.layers.flatMap(variablesOf));
    checkTensors(resume, 'optimizer.bin', adam.snapshot());
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
    average: ema > 0 ? new WeightAverage(kept, ema, weights) : undefined,
    position,
    metrics: resume?.manifest.metrics ?? {},
    best: resume?.manifest.best,
    stepsPerEpoch,
    saver: new CheckpointSaver(run, settings, () => snapshot(training, digest)),
    log: await openTrainingLog(run, {
      settings,
      dataset,
      split,
      pack,
      model,
      firstStep: position.step + 1,
    }),
    online: settings.augment === 'online' ? await startOnlineFor(dataset, settings) : undefined,
    session: await beginRun(options, { dataset, split, digest, position }),
    events,
    signal,
  };
  events.started?.({ model, dataset, split, stepsPerEpoch, position: { ...position } });
  return training;
}

/** A training from the start would mix its checkpoints with those of another one. */
async function refuseCheckpoints(run: string): Promise<void> {
  if ((await listCheckpoints(run)).length === 0) return;
  throw new UserError(
    `${run} holds the checkpoints of a training; go on with it by --resume, or name another run with --run.`,
  );
}

/** Keeps in the run's folder what evaluate, runs and report want to know of it. */
async function beginRun(
  { settings, run, resume, engine, command, events }: TrainingOptions,
  training: Pick<Training, 'dataset' | 'split' | 'position'> & { digest: string },
): Promise<OpenSession> {
  const { dataset, split, position, digest } = training;
  const count = (part: number[], label: number) =>
    part.filter((index) => dataset.pictures[index]?.label === label).length;
  await saveHeldBack(run, { data: settings.data, dataset, split, digest });
  await cutHistory(run, position.epoch);
  const changed = resume ? await changedSettings(run, resume, settings) : {};
  const isChanged = Object.keys(changed).length > 0;
  if (isChanged) events?.notice?.(`Going on with other settings: ${describeChanges(changed)}.`);
  const start = {
    command: command ?? null,
    settings,
    ...(isChanged ? { changed } : {}),
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

/** Parts the pictures for training and validation, and says where whole groups do not allow what is asked for. */
function partPictures(
  { pictures, classes }: Dataset,
  { lookalikes }: Pack,
  { validationSplit: share, seed }: Settings,
  events: TrainingEvents,
): Split {
  const split = splitPictures(pictures, { classes: classes.length, share, seed, lookalikes });
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
function countSteps(split: Split, { batchSize }: Settings): number {
  const steps = Math.floor(split.train.length / batchSize);
  if (steps > 0) return steps;
  throw new UserError(
    `There are ${split.train.length} pictures to train on, fewer than one batch of ${batchSize}; ` +
      'add pictures, run "bat-sup augment", or lower --batch-size.',
  );
}

/** What a position within an epoch means depends on: which pictures, how split, how many a batch. */
export function digestOf(dataset: Dataset, split: Split, { batchSize }: Pick<Settings, 'batchSize'>): string {
  // The JSON of [pictures, split, batchSize], piece by piece: a million pictures make no string.
  const hash = createHash('sha256').update('[[');
  for (const [index, { file, label }] of dataset.pictures.entries())
    hash.update(`${index === 0 ? '' : ','}${JSON.stringify([file, label])}`);
  return hash.update(`],${JSON.stringify(split)},${batchSize}]`).digest('hex');
}

function resumedPosition({ manifest }: Checkpoint, digest: string, events: TrainingEvents): Position {
  const { position, training } = manifest;
  if (training.dataset === digest) return { ...position };
  events.notice?.(
    'The pictures or the batch size are not those that training began with; the epoch begins anew.',
  );
  return { ...position, batch: 0, lossSum: 0, correct: 0 };
}

/** All that a network is: what it learns, and what its layers keep besides. */
function keptOf({ variables, state }: Model): Map<string, tf.Variable> {
  return new Map([...variables, ...state]);
}

function snapshot(
  training: Training,
  dataset: string,
): { info: CheckpointInfo; weights: TensorSource[]; optimizer: TensorSource[] } {
  const { model, adam, average, settings, position, metrics, best } = training;
  const { seed, batchSize, learningRate, validationSplit, fit, ema } = settings;
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
  const { settings, dataset, split, pack, model, adam, position, stepsPerEpoch, saver, log } = training;
  const { batchSize, clipNorm, seed } = settings;
  const { objective, average } = training;
  const order = shuffle(split.train, `${seed}/epoch/${position.epoch}`).slice(0, stepsPerEpoch * batchSize);
  const ahead = order.slice(position.batch * batchSize);
  const record = recorder(training);
  const lastStep = position.step + stepsPerEpoch - position.batch;
  const isLastEpoch = position.epoch + 1 === settings.epochs;
  let step = position.step;
  let reading: (() => BatchResult) | undefined;
  const vary = variation(training);
  const offset = scheduleOffset(training);
  const started = performance.now();
  for await (const batch of batches(pack, dataset.pictures, ahead, batchSize, vary)) {
    step++;
    const watch = step === lastStep ? log.watchStep(step, isLastEpoch) : undefined;
    const learningRate = learningRateAt(step + offset, settings, stepsPerEpoch);
    const next = trainStep(model, adam, batch, { step, learningRate, objective, clipNorm, watch });
    average?.follow(step);
    if (reading) await record(reading());
    reading = next;
    const aborted = training.signal?.aborted === true;
    const due = saver.isDue(step) && position.batch + 1 < stepsPerEpoch;
    if (!aborted && !due) continue;
    await record(reading());
    reading = undefined;
    await save(training);
    if (aborted) return;
  }
  if (reading) await record(reading());
  await endEpoch(training, { seconds: (performance.now() - started) / 1000, pictures: ahead.length });
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

/**
 * Steps that the schedule counts besides: it counts from the beginning of the first epoch, also where the optimizer was
 * imported after steps of its own, or earlier epochs were of more or fewer pictures.
 */
function scheduleOffset({ position, stepsPerEpoch }: Training): number {
  return position.epoch * stepsPerEpoch + position.batch - position.step;
}

/** Books the results of an epoch's steps, one after the other. */
function recorder(training: Training): (result: BatchResult) => Promise<void> {
  const { position, log, events, settings, stepsPerEpoch } = training;
  const { batchSize } = settings;
  const offset = scheduleOffset(training);
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
    const learningRate = learningRateAt(position.step + offset, settings, stepsPerEpoch);
    log.step(position.step, { result, batchSize, learningRate, rate });
    events.step?.({ ...position }, result, rate);
  };
}

async function endEpoch(
  training: Training,
  { seconds, pictures }: { seconds: number; pictures: number },
): Promise<void> {
  const { run, position, settings, stepsPerEpoch, log, events } = training;
  training.metrics = {
    loss: position.lossSum / stepsPerEpoch,
    accuracy: position.correct / (stepsPerEpoch * settings.batchSize),
    ...(await (training.average?.during(() => validate(training)) ?? validate(training))),
  };
  Object.assign(position, { epoch: position.epoch + 1, batch: 0, lossSum: 0, correct: 0 });
  const { metrics, best } = training;
  const isBetter = !best || compareMetrics(metrics, best.metrics) < 0;
  if (metrics.validationAccuracy !== undefined && isBetter)
    training.best = { epoch: position.epoch, metrics };
  log.epoch(position.step, training.metrics);
  events.epoch?.(position.epoch, training.metrics);
  const { epoch, step } = position;
  const time = new Date().toISOString();
  await appendHistory(run, { epoch, step, time, seconds, rate: pictures / seconds, ...training.metrics });
  await save(training);
}

/** The log is to know every step that a checkpoint goes on from, even if the process is killed. */
async function save({ log, saver }: Training): Promise<void> {
  await log.flush();
  await saver.save();
}

async function validate({ model, pack, dataset, split, settings, log }: Training): Promise<Metrics> {
  if (split.validation.length === 0) return {};
  const watch = log.watchValidation();
  let lossSum = 0;
  let correct = 0;
  for await (const batch of batches(pack, dataset.pictures, split.validation, settings.batchSize)) {
    const result = evaluateBatch(model, batch, watch);
    lossSum += result.loss * batch.labels.length;
    correct += result.correct;
  }
  const count = split.validation.length;
  return { validationLoss: lossSum / count, validationAccuracy: correct / count };
}

async function failOnLoss({ position, saver, log }: Training, loss: number): Promise<never> {
  log.finish('failure', position.step);
  await saver.finish();
  throw new UserError(
    `The loss became ${loss} in epoch ${position.epoch + 1}, step ${position.step + 1}; ` +
      'the checkpoints before it are kept. Lower --learning-rate, then --resume.',
  );
}
