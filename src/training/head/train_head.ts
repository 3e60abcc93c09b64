import type { Metrics } from '../../checkpoints/index.ts';
import type { Picture } from '../../dataset/scan.ts';
import { joinSamePictures } from '../../dataset/split.ts';
import { appendHistory } from '../../runs/history.ts';
import { tf } from '../../tensors/tf.ts';
import { type FittedHead, fitHead } from '../../transfer/fit_head.ts';
import { broadcastVariables } from '../exchange.ts';
import { save } from '../records.ts';
import { isStopped, type Training } from '../state.ts';
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
async function extractAll(training: Training): Promise<Features | undefined> {
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

function picturesAt({ dataset }: Training, indexes: number[]): Picture[] {
  return indexes.map((index) => dataset.pictures[index] as Picture);
}

/**
 * What the loss compares the logits with. Labels are not smoothed: the penalty of the weights keeps the head from being
 * too sure.
 */
function targetsFor(pictures: Picture[], { dataset, objective }: Training): Targets {
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

async function fit(training: Training, features: Float32Array): Promise<FittedHead> {
  const { dataset, split, pack, model, settings } = training;
  const pictures = picturesAt(training, split.train);
  const lookalikes = settings.groupLookalikes === 'on' ? pack.lookalikes : undefined;
  const same = joinSamePictures(dataset.pictures, lookalikes);
  const { probabilities, weights } = targetsFor(pictures, training);
  return fitHead({
    features,
    length: headOf(model).length,
    labels: pictures.map(({ label }) => label),
    softLabels: pictures.some(({ softLabel }) => softLabel) ? probabilities : undefined,
    weights,
    groups: split.train.map((index) => same.find(index)),
    classes: dataset.classes.length,
    seed: settings.seed,
    threads: settings.threads,
  });
}

/** Gives the head the fitted weights, on all ranks. @param fitted on rank 0. */
async function assign({ model, exchange, average }: Training, fitted: FittedHead | undefined): Promise<void> {
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

function judgeSides(training: Training, { train, validation }: Features): Metrics {
  const { split, model } = training;
  const head = headOf(model);
  const known = judge(train as Float32Array, picturesAt(training, split.train), head);
  if (split.validation.length === 0) return known;
  const { loss, accuracy } = judge(validation as Float32Array, picturesAt(training, split.validation), head);
  return { ...known, validationLoss: loss, validationAccuracy: accuracy };
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

/**
 * Trains the last layer of a network that starts from a backbone: multinomial logistic regression on the features of all
 * pictures, to its optimum. Where the training is stopped before, nothing changes, and the features so far are cached.
 */
export async function trainHead(training: Training): Promise<void> {
  const { exchange, events } = training;
  const started = performance.now();
  const features = await extractAll(training);
  if (!features) return;
  const fitted = features.train && (await fit(training, features.train));
  await assign(training, fitted);
  if (fitted) events.head?.(fitted);
  const own = fitted ? judgeSides(training, features) : {};
  const metrics = exchange ? await exchange.world.share(own) : own;
  training.trainsHead = false;
  await record(training, metrics, (performance.now() - started) / 1000);
}
