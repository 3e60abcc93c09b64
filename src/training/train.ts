import { createHash } from 'node:crypto';
import type { Online } from '../augment/online.ts';
import {
  type Checkpoint,
  type CheckpointInfo,
  checkTensors,
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
import { createModel, type Model, type ModelDescription } from '../models/model.ts';
import { saveHeldBack } from '../runs/held_back.ts';
import { appendHistory, cutHistory } from '../runs/history.ts';
import { beginSession, type OpenSession } from '../runs/record.ts';
import { Adam } from './adam.ts';
import { CheckpointSaver, type TensorSource, tensorSource } from './checkpoint_saver.ts';
import { changedSettings, checkSameNetwork, describeChanges } from './resume.ts';
import { type BatchResult, evaluateBatch, pixelScale, trainStep } from './step.ts';
import { openTrainingLog, type TrainingLog } from './training_log.ts';

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
  position: Position;
  metrics: Metrics;
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
  const { position, settings, saver, log, session } = training;
  try {
    while (position.epoch < settings.epochs && !training.signal?.aborted) await runEpoch(training);
    await saver.finish();
    if (position.epoch >= settings.epochs) log.finish('success', position.step);
  } catch (error) {
    await session.end({ state: 'failed', failure: reason(error), to: position }).catch(() => {});
    throw error;
  } finally {
    await saver.close();
    await log.close();
    await training.online?.close();
    training.adam.dispose();
    training.model.dispose();
  }
  const finished = position.epoch >= settings.epochs;
  await session.end({ state: finished ? 'finished' : 'stopped', to: position });
  return { run: options.run, position, metrics: training.metrics, finished };
}

async function begin(options: TrainingOptions): Promise<Training> {
  const { settings, run, resume, signal, events = {} } = options;
  if (!resume) await refuseCheckpoints(run);
  const scanned = await scanDataset(settings.data);
  const description: ModelDescription = {
    architecture: settings.architecture,
    width: settings.width,
    height: settings.height,
    channels: settings.channels,
    classes: scanned.classes,
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
  const restored = resume ? await loadTensors(resume, 'weights.bin') : new Map();
  const model = createModel(description, { seed: settings.seed, restored });
  const adam = new Adam(model.variables, resume ? await loadTensors(resume, 'optimizer.bin') : new Map());
  const digest = digestOf(dataset, split, settings);
  const position = resume
    ? resumedPosition(resume, digest, events)
    : { step: 0, epoch: 0, batch: 0, lossSum: 0, correct: 0 };
  if (resume) {
    checkTensors(resume, 'weights.bin', weightsOf(model));
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
    position,
    metrics: resume?.manifest.metrics ?? {},
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

function weightsOf({ variables }: Model): TensorSource[] {
  return [...variables].map(([name, variable]) => tensorSource(name, variable));
}

function snapshot(
  training: Training,
  dataset: string,
): { info: CheckpointInfo; weights: TensorSource[]; optimizer: TensorSource[] } {
  const { model, adam, settings, position, metrics } = training;
  const { seed, batchSize, learningRate, validationSplit, fit } = settings;
  const info: CheckpointInfo = {
    model: model.description,
    preprocessing: { fit, scale: pixelScale },
    training: { seed, batchSize, learningRate, validationSplit, dataset },
    position: { ...position },
    metrics: { ...metrics },
  };
  return { info, weights: weightsOf(model), optimizer: adam.snapshot() };
}

/** One epoch, or what is left of it, then validation and a checkpoint. */
async function runEpoch(training: Training): Promise<void> {
  const { settings, dataset, split, pack, model, adam, position, stepsPerEpoch, saver, log } = training;
  const { batchSize, learningRate, seed } = settings;
  const order = shuffle(split.train, `${seed}/epoch/${position.epoch}`).slice(0, stepsPerEpoch * batchSize);
  const ahead = order.slice(position.batch * batchSize);
  const record = recorder(training);
  const lastStep = position.step + stepsPerEpoch - position.batch;
  const isLastEpoch = position.epoch + 1 === settings.epochs;
  let step = position.step;
  let reading: (() => BatchResult) | undefined;
  const vary = variation(training);
  const started = performance.now();
  for await (const batch of batches(pack, dataset.pictures, ahead, batchSize, vary)) {
    step++;
    const watch = step === lastStep ? log.watchStep(step, isLastEpoch) : undefined;
    const next = trainStep(model, adam, batch, { step, learningRate, watch });
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

async function startOnlineFor(dataset: Dataset, settings: Settings): Promise<Online> {
  const { startOnline } = await import('../augment/online.ts');
  const { augmentOperations: operations, augmentClasses: classes, width, height, channels } = settings;
  return startOnline({ operations, classes, names: dataset.classes, width, height, channels });
}

/** Of this epoch: a picture's variation depends on the seed, the epoch and the picture, so that resuming repeats it. */
function variation({ online, settings, position }: Training): Vary | undefined {
  if (!online) return undefined;
  const epoch = `${settings.seed}/online/${position.epoch}`;
  return ({ pixels, labels }, indexes) =>
    online.vary({ pixels, labels, keys: indexes.map((index) => `${epoch}/${index}`) });
}

/** Books the results of an epoch's steps, one after the other. */
function recorder(training: Training): (result: BatchResult) => Promise<void> {
  const { position, log, events } = training;
  const { batchSize, learningRate } = training.settings;
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
    ...(await validate(training)),
  };
  Object.assign(position, { epoch: position.epoch + 1, batch: 0, lossSum: 0, correct: 0 });
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
