import type { Metrics } from '../checkpoints/index.ts';
import { shareOf } from '../cluster/index.ts';
import { type Batch, batches } from '../dataset/batches.ts';
import { shuffle } from '../dataset/shuffle.ts';
import { UserError } from '../errors.ts';
import { appendHistory } from '../runs/history.ts';
import { isBest } from './best.ts';
import { joinRows } from './head/extract.ts';
import { judgeSets } from './judge_sets.ts';
import { augmentationOf } from './online.ts';
import { changingVariables, refuseRemoved, save } from './records.ts';
import { learningRateAt, scaleOf } from './schedule.ts';
import { isStopped, type Training } from './state.ts';
import {
  type BatchResult,
  type EvaluationWatch,
  evaluateBatch,
  type StepOptions,
  trainStep,
} from './step.ts';
import { trainStepTogether } from './step_together.ts';
import { withAverages } from './weight_average.ts';

/** Trains one epoch, or what is left of it, validates the network and saves a checkpoint. */
export async function trainEpoch(training: Training): Promise<void> {
  const { settings, position, stepsPerEpoch, globalBatchSize, exchange, records, average } = training;
  const { objective } = training;
  const { clipNorm } = settings;
  const lastStep = position.step + stepsPerEpoch - position.batch;
  const isLastEpoch = position.epoch + 1 === settings.epochs;
  const pictures = (stepsPerEpoch - position.batch) * globalBatchSize;
  const recordStep = stepRecorder(training);
  const started = performance.now();
  let { step, batch: batchOfEpoch } = position;
  /** Waits for the result of a step that the engine may still be computing. */
  let pending: (() => BatchResult) | undefined;

  for await (const batch of epochBatches(training)) {
    step++;
    batchOfEpoch++;
    const learningRate = rateOf(training, batchOfEpoch);
    const watch = step === lastStep ? records?.log.watchStep(step, isLastEpoch) : undefined;
    const result = await takeStep(training, batch, { step, learningRate, objective, clipNorm, watch });
    average?.update(step);
    // Read the previous result only now: a GPU has the next step to work on while this one waits.
    if (pending) await recordStep(pending());
    pending = result;

    const stopped = isStopped(training);
    const isDue = records?.saver.isDue(step) === true && batchOfEpoch < stepsPerEpoch;
    // Ranks have exchanged their results already, and the next step may throw because another rank failed.
    if (exchange || stopped || isDue) {
      await recordStep(pending());
      pending = undefined;
    }
    if (stopped || isDue) await save(training);
    if (stopped) return;
  }
  if (pending) await recordStep(pending());
  await endEpoch(training, { seconds: (performance.now() - started) / 1000, pictures });
}

/** This rank's batches of the epoch that `position` is in, from there on. */
function epochBatches(training: Training): AsyncGenerator<Batch> {
  const { settings, dataset, split, pack, position, stepsPerEpoch, globalBatchSize, rank } = training;
  const { seed, batchSize } = settings;
  const order = shuffle(split.train, `${seed}/epoch/${position.epoch}`);
  const left = order.slice(position.batch * globalBatchSize, stepsPerEpoch * globalBatchSize);
  const mine = shareOf(left, rank, batchSize);
  const augment = augmentationOf(training.online, seed, position.epoch);
  return batches(pack, dataset.pictures, mine, batchSize, augment);
}

/**
 * The learning rate of a batch of the current epoch, 1 for the first. It depends on the epoch, not on the steps so far:
 * imported optimizers bring some, and earlier epochs may have had more or fewer.
 */
function rateOf({ settings, position, stepsPerEpoch, rank }: Training, batchOfEpoch: number): number {
  const step = position.epoch * stepsPerEpoch + batchOfEpoch;
  return scaleOf(settings, rank.count) * learningRateAt(step, settings, stepsPerEpoch);
}

/** One step on this batch, together with the other ranks where there are any. @returns what waits for its result. */
async function takeStep(training: Training, batch: Batch, options: StepOptions): Promise<() => BatchResult> {
  const { model, adam, exchange, signal } = training;
  if (!exchange) return trainStep(model, adam, batch, options);
  const stop = signal?.aborted === true;
  const result = await trainStepTogether(model, adam, batch, { ...options, exchange, stop });
  return () => result;
}

/** Records the results of an epoch's steps in order: moves the position, logs and reports each one. */
function stepRecorder(training: Training): (result: BatchResult) => Promise<void> {
  const { position, records, events, globalBatchSize: batchSize } = training;
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

async function failOnLoss({ position, records }: Training, loss: number): Promise<never> {
  records?.log.finish('failure', position.step);
  await records?.saver.finish();
  throw new UserError(
    `The loss became ${loss} in epoch ${position.epoch + 1}, step ${position.step + 1}; ` +
      'the checkpoints before it are kept. Lower --learning-rate, then --resume.',
  );
}

/** @param trained how long the epoch's steps took, and for how many pictures. */
async function endEpoch(training: Training, trained: { seconds: number; pictures: number }): Promise<void> {
  const { run, position, stepsPerEpoch, globalBatchSize, average, records, events } = training;
  if (records) await refuseRemoved(run);
  const validation = await (average
    ? withAverages(changingVariables(training.model), average.averages, () => validate(training))
    : validate(training));
  const metrics: Metrics = {
    loss: position.lossSum / stepsPerEpoch,
    accuracy: position.correct / (stepsPerEpoch * globalBatchSize),
    ...validation,
  };
  Object.assign(position, { epoch: position.epoch + 1, batch: 0, lossSum: 0, correct: 0 });
  const { epoch, step } = position;
  training.metrics = metrics;
  if (isBest(training)) training.best = { epoch, metrics };
  records?.log.epoch(step, metrics);
  events.epoch?.(epoch, metrics);
  const { seconds, pictures } = trained;
  const time = new Date().toISOString();
  if (records) await appendHistory(run, { epoch, step, time, seconds, rate: pictures / seconds, ...metrics });
  await save(training);
}

/** Loss and accuracy on the pictures held back, over all ranks; {} where there are none. */
export async function validate(training: Training): Promise<Metrics> {
  const { model, pack, dataset, split, settings, rank, exchange, signal, records } = training;
  const mine = shareOf(split.validation, rank);
  const watch = mine.length > 0 ? records?.log.watchValidation(mine) : undefined;
  const rows: Float32Array[] = [];
  const collect: EvaluationWatch = {
    layer: (name, output) => watch?.layer(name, output),
    batch(batch, logits) {
      rows.push(logits.slice());
      watch?.batch(batch, logits);
    },
  };
  const { isMultiLabel } = model.description;
  let lossSum = 0;
  let correct = 0;
  for await (const batch of batches(pack, dataset.pictures, mine, settings.batchSize)) {
    const result = evaluateBatch(model, batch, isMultiLabel ? collect : watch);
    lossSum += result.loss * batch.labels.length;
    correct += result.correct;
  }
  if (exchange) [lossSum = 0, correct = 0] = await exchange.sum([lossSum, correct], signal?.aborted === true);
  const count = split.validation.length;
  if (count === 0) return {};
  const sets = isMultiLabel ? await judgeRows(training, concatenate(rows)) : {};
  return { validationLoss: lossSum / count, validationAccuracy: correct / count, ...sets };
}

function concatenate(rows: Float32Array[]): Float32Array {
  const all = new Float32Array(rows.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
}

/** Judges the logits of all ranks together, on rank 0, which tells the others. @param mine of this rank's pictures. */
async function judgeRows(training: Training, mine: Float32Array): Promise<Metrics> {
  const world = training.exchange?.world;
  if (!world) return judgeSets(training, mine);
  const shares = await world.gather(mine);
  const own = shares && judgeSets(training, joinRows(shares, training.split.validation.length));
  return (await world.share(own)) as Metrics;
}
