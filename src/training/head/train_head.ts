import type { Metrics } from '../../checkpoints/index.ts';
import type { Picture } from '../../dataset/scan.ts';
import { joinSamePictures } from '../../dataset/split.ts';
import { UserError } from '../../errors.ts';
import { appendHistory } from '../../runs/history.ts';
import { tf } from '../../tensors/tf.ts';
import { type FittedHead, fitHead } from '../../transfer/fit_head.ts';
import { fitOneVsRest } from '../../transfer/fit_one_vs_rest.ts';
import { fitRows } from '../../transfer/fit_rows.ts';
import { firstNotFinite } from '../../transfer/logistic_regression.ts';
import { broadcastVariables } from '../exchange.ts';
import { judgeSets } from '../judge_sets.ts';
import { validate } from '../loop.ts';
import { save } from '../records.ts';
import { type HeadTraining, isStopped, type Training } from '../state.ts';
import { oneHot, type Targets, targetsOf } from '../targets.ts';
import { extractOnRanks, openExtractor } from './extract.ts';
import { judge } from './judge.ts';
import { headOf } from './linear_head.ts';

/** Features of the pictures of each side; on rank 0 only. */
interface Features {
  /** float32 [pictures, length] */
  train: Float32Array | undefined;
  validation: Float32Array | undefined;
}

/** @returns undefined where the training was stopped. What was computed until then is cached. */
async function extractAll(training: HeadTraining): Promise<Features | undefined> {
  const { split } = training;
  const extractor = openExtractor(training);
  try {
    const train = await extractOnRanks(training, extractor, split.train);
    if (isStopped(training)) return undefined;
    const validation = await extractOnRanks(training, extractor, split.validation);
    return isStopped(training) ? undefined : { train, validation };
  } finally {
    await extractor.close();
  }
}

function picturesAt({ dataset }: HeadTraining, indexes: number[]): Picture[] {
  return indexes.map((index) => dataset.pictures[index] as Picture);
}

/**
 * What the loss compares the logits with. Labels are not smoothed: the penalty of the weights keeps the head from being
 * too sure.
 */
function targetsFor(pictures: Picture[], { dataset, objective }: HeadTraining): Targets {
  const classes = dataset.classes.length;
  const labels = pictures.map(({ label }) => label);
  const softLabels = oneHot(labels, classes);
  for (const [row, { softLabel }] of pictures.entries())
    if (softLabel) softLabels.set(softLabel, row * classes);
  return targetsOf({ pixels: new Uint8Array(), labels, softLabels }, classes, {
    ...objective,
    labelSmoothing: 0,
  });
}

/** Fits the rows of the head that are to be fitted: all of them, or some beside others that stay. */
async function fit(training: HeadTraining, features: Float32Array): Promise<FittedHead> {
  checkFinite(features, headOf(training.model).length);
  if (training.model.description.isMultiLabel) return fitEach(training, features);
  const whole = await fitWhole(training, features);
  const { rowsToFit: rows, dataset } = training;
  if (rows.length === dataset.classes.length) return whole;
  const started = performance.now();
  const { length, weights, biases } = headOf(training.model);
  const targets = targetsFor(picturesAt(training, training.split.train), training);
  const head = {
    weights: weights.dataSync() as Float32Array,
    biases: biases.dataSync() as Float32Array,
  };
  const problem = { features, length, classes: dataset.classes.length, rows, head, C: whole.C };
  const fitted = fitRows({ ...problem, targets: targets.probabilities, weights: targets.weights });
  const seconds = whole.seconds + (performance.now() - started) / 1000;
  // What was held out was predicted by another head.
  return { ...fitted, C: whole.C, seconds };
}

/** @throws {UserError} where a feature is not a finite number. */
function checkFinite(features: Float32Array, length: number): void {
  if (firstNotFinite(features, length) === undefined) return;
  throw new UserError(
    'The network to start from computes features that are not finite numbers; check how its pixels are scaled.',
  );
}

/** What is the same for a head of classes that exclude each other and one of those that do not. */
function rowsOf({ dataset, split, pack, model, settings }: HeadTraining, features: Float32Array) {
  const lookalikes = settings.groupLookalikes === 'on' ? pack.lookalikes : undefined;
  const same = joinSamePictures(dataset.pictures, lookalikes);
  return {
    features,
    length: headOf(model).length,
    groups: split.train.map((index) => same.find(index)),
    classes: dataset.classes.length,
    seed: settings.seed,
    threads: settings.threads,
  };
}

/** Fits a logistic regression for each class on its own; the rows of classes that are known already stay. */
async function fitEach(training: HeadTraining, features: Float32Array): Promise<FittedHead> {
  const { split, model, objective, rowsToFit } = training;
  const { weights, biases } = headOf(model);
  const labelSets = picturesAt(training, split.train).map(({ labels }) => labels ?? []);
  const head = {
    weights: (weights.dataSync() as Float32Array).slice(),
    biases: (biases.dataSync() as Float32Array).slice(),
  };
  return fitOneVsRest({ ...rowsOf(training, features), labelSets, head, rows: rowsToFit, ...objective });
}

async function fitWhole(training: HeadTraining, features: Float32Array): Promise<FittedHead> {
  const pictures = picturesAt(training, training.split.train);
  const { probabilities, weights } = targetsFor(pictures, training);
  return fitHead({
    ...rowsOf(training, features),
    labels: pictures.map(({ label }) => label),
    softLabels: pictures.some(({ softLabel }) => softLabel) ? probabilities : undefined,
    weights,
  });
}

/** Gives the head the fitted weights, on all ranks. @param fitted on rank 0. */
async function assign(
  { model, exchange, average }: HeadTraining,
  fitted: FittedHead | undefined,
): Promise<void> {
  const { name, weights, biases } = headOf(model);
  if (fitted)
    tf.tidy(() => {
      weights.assign(tf.tensor(fitted.weights, weights.shape));
      biases.assign(tf.tensor(fitted.biases, biases.shape));
    });
  const variables = new Map([
    [`${name}/weights`, weights],
    [`${name}/biases`, biases],
  ]);
  if (exchange) await broadcastVariables(exchange.world, variables);
  average?.restart(variables.keys());
}

/** Fits the head to features, and gives it to all ranks. @param features on rank 0. */
async function fitHeadTo(training: HeadTraining, features: Float32Array | undefined): Promise<void> {
  const fitted = features && (await fit(training, features));
  await assign(training, fitted);
  if (fitted) training.events.head?.(fitted);
}

/** Fits the head of a network that nothing is recorded of. Where `signal` stops it, the head stays as it is. */
export async function fitHeadAlone(training: HeadTraining): Promise<void> {
  const extractor = openExtractor(training);
  const features = await extractor.extract(training.split.train).finally(() => extractor.close());
  if (features) await fitHeadTo(training, features);
}

function judgeSides(training: Training, { train, validation }: Features): Metrics {
  const { split, model } = training;
  const head = headOf(model);
  const { logits: _, ...known } = judge(train as Float32Array, picturesAt(training, split.train), head);
  if (split.validation.length === 0) return known;
  const held = judge(validation as Float32Array, picturesAt(training, split.validation), head);
  const sets = model.description.isMultiLabel ? judgeSets(training, held.logits) : {};
  return { ...known, validationLoss: held.loss, validationAccuracy: held.accuracy, ...sets };
}

/** Records the head as epoch 0, and saves its checkpoint. */
async function record(training: Training, metrics: Metrics, seconds: number): Promise<void> {
  const { run, split, position, records, events } = training;
  training.metrics = metrics;
  if (metrics.validationAccuracy !== undefined) training.best = { epoch: 0, metrics };
  records?.log.epoch(position.step, metrics);
  events.epoch?.(0, metrics);
  const rate = split.train.length / seconds;
  const done = { epoch: 0, step: position.step, time: new Date().toISOString(), seconds, rate };
  if (records) await appendHistory(run, { ...done, ...metrics });
  await save(training);
}

/** Validates the network as it is, which knows all of the classes, as epoch 0. */
async function judgeStart(training: Training): Promise<void> {
  const started = performance.now();
  const metrics = await validate(training);
  if (isStopped(training)) return;
  training.trainsHead = false;
  if (training.split.validation.length > 0)
    await record(training, metrics, (performance.now() - started) / 1000);
}

/**
 * Trains the last layer of a network that starts from a trained one: multinomial logistic regression on the features of all
 * pictures, to its optimum, or with --multi-label one of its own for each class. Where the training is stopped before, nothing changes, and the features so far are cached. A head that
 * knows all classes is only validated.
 */
export async function trainHead(training: Training): Promise<void> {
  const { exchange, rowsToFit } = training;
  if (rowsToFit.length === 0) return judgeStart(training);
  const started = performance.now();
  const features = await extractAll(training);
  if (!features) return;
  await fitHeadTo(training, features.train);
  const own = features.train ? judgeSides(training, features) : {};
  const metrics = exchange ? await exchange.world.share(own) : own;
  training.trainsHead = false;
  await record(training, metrics, (performance.now() - started) / 1000);
}
