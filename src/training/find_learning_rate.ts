import type { Online } from '../augment/online.ts';
import type { Settings } from '../config/index.ts';
import { type Batch, batches } from '../dataset/batches.ts';
import { shuffle } from '../dataset/shuffle.ts';
import { UserError } from '../errors.ts';
import { fitHeadAlone } from './head/train_head.ts';
import { beginningOf, createNetwork, type Network, rowsToFit, startOf } from './network.ts';
import { augmentationOf, startOnlineFor } from './online.ts';
import type { TrainingEvents, TrainingOptions } from './options.ts';
import { type Prepared, prepare } from './prepare.ts';
import { trainStep } from './step.ts';

/** The learning rates of the first and the last step; in between they grow by a constant factor. */
const minRate = 1e-6;
const maxRate = 1;
/**
 * The smoothed loss is roughly a mean over this share of the steps. The lowest one is only looked for after as many.
 */
const smoothedOver = 0.1;
/** The test ends once the smoothed loss is this many times its lowest value. */
const divergence = 4;

/** One step of the test: a point of the curve of loss against learning rate. */
export interface RangeTest {
  learningRate: number;
  /** The batch's mean softmax cross-entropy before its update, nats. */
  loss: number;
  /** Exponential moving average of the losses so far. */
  smoothedLoss: number;
}

/** What {@link findLearningRate} returns. */
export interface LearningRateSearch {
  /** A tenth of the learning rate where the smoothed loss was lowest. */
  suggestion: number;
  lowest: RangeTest;
  steps: RangeTest[];
  /** Whether the test ended early because the loss rose too far or was no longer finite. */
  diverged: boolean;
}

/** The arguments of {@link findLearningRate}. */
export interface FindLearningRateOptions {
  settings: Settings;
  /** A trained network to start from, instead of that which the settings name. */
  start?: TrainingOptions['start'];
  /** Steps from the lowest rate, 1e-6, to the highest, 1. At least 10; default 300. */
  steps?: number;
  /** Once aborted, the test ends with an error. */
  signal?: AbortSignal;
  events?: Pick<TrainingEvents, 'decoding' | 'notice'>;
  onProgress?: (done: number, total: number) => void;
}

/** The learning rate of a step. @param step 1 for the first. */
export function testedRate(step: number, steps: number): number {
  return minRate * (maxRate / minRate) ** ((step - 1) / (steps - 1));
}

/** The network that training would begin with: new, or a trained one, whose head is fitted to its features. */
async function begin(
  options: FindLearningRateOptions,
  prepared: Prepared,
  start: TrainingOptions['start'],
): Promise<Network> {
  const { settings, signal, events = {} } = options;
  const beginning = await beginningOf(options, prepared.description, start);
  const network = await createNetwork(beginning, options, true);
  const rows = (beginning.change && rowsToFit(settings, beginning.change)) ?? [];
  const rank = { index: 0, count: 1 };
  const head = {
    ...prepared,
    ...network,
    settings,
    rowsToFit: rows,
    rank,
    exchange: undefined,
    signal,
    events,
  };
  if (rows.length > 0) await fitHeadAlone(head);
  return network;
}

/** Batches of one epoch after another, without end. */
async function* endlessBatches(
  { pack, dataset, split }: Prepared,
  { seed, batchSize }: Settings,
  online: Online | undefined,
): AsyncGenerator<Batch> {
  for (let epoch = 0; ; epoch++) {
    const order = shuffle(split.train, `${seed}/epoch/${epoch}`);
    const whole = order.slice(0, order.length - (order.length % batchSize));
    const augment = augmentationOf(online, seed, epoch);
    yield* batches(pack, dataset.pictures, whole, batchSize, augment);
  }
}

/** The curve's next point. The moving average is corrected for its start at 0 (Kingma and Ba 2015, section 3). */
function nextPoint(curve: RangeTest[], learningRate: number, loss: number, steps: number): RangeTest {
  const smoothing = 1 - 1 / (smoothedOver * steps);
  const before = curve.at(-1)?.smoothedLoss ?? 0;
  const weightBefore = 1 - smoothing ** curve.length;
  const weight = 1 - smoothing ** (curve.length + 1);
  const smoothedLoss = (smoothing * weightBefore * before + (1 - smoothing) * loss) / weight;
  return { learningRate, loss, smoothedLoss };
}

function lowestOf(curve: RangeTest[], steps: number): RangeTest {
  const settled = curve.slice(Math.min(curve.length - 1, smoothedOver * steps));
  return settled.reduce((a, b) => (b.smoothedLoss < a.smoothedLoss ? b : a));
}

/**
 * The learning-rate range test (Smith 2017, section 3.3): trains a network, new or from a start, for some steps, each with a higher
 * learning rate than the one before, and finds where the loss is lowest. Nothing is saved. The engine must have been
 * started.
 * @throws {UserError} for fewer than two classes, or fewer pictures than a batch; where `signal` is aborted; where the
 * first loss is not finite.
 * @example
 * ```ts
 * import { findLearningRate, readSettings, startEngine } from 'bat-sup';
 *
 * const settings = await readSettings({ batchSize: 4, engine: 'wasm' });
 * const engine = await startEngine(settings.engine, settings);
 * const { suggestion } = await findLearningRate({ settings, steps: 20 });
 * console.log(`--learning-rate ${suggestion.toPrecision(2)}`);
 * await engine.dispose();
 * ```
 */
export async function findLearningRate(options: FindLearningRateOptions): Promise<LearningRateSearch> {
  const { settings, steps = 300, signal, events = {}, onProgress } = options;
  const { clipNorm } = settings;
  const start = await startOf(options);
  const prepared = await prepare(settings, events, { heldBack: start?.heldBack });
  const { model, adam, average } = await begin(options, prepared, start);
  const online = settings.augment === 'online' ? await startOnlineFor(prepared.dataset, settings) : undefined;
  const curve: RangeTest[] = [];
  let isDiverged = false;
  try {
    for await (const batch of endlessBatches(prepared, settings, online)) {
      const step = curve.length + 1;
      const learningRate = testedRate(step, steps);
      const { objective } = prepared;
      const { loss } = trainStep(model, adam, batch, { step, learningRate, objective, clipNorm })();
      isDiverged = !Number.isFinite(loss);
      if (isDiverged) break;
      curve.push(nextPoint(curve, learningRate, loss, steps));
      onProgress?.(step, steps);
      isDiverged =
        (curve.at(-1) as RangeTest).smoothedLoss > divergence * lowestOf(curve, steps).smoothedLoss;
      if (isDiverged || step === steps) break;
      if (signal?.aborted)
        throw new UserError('The learning-rate test was stopped before it could suggest anything.');
    }
  } finally {
    await online?.close();
    average?.dispose();
    adam.dispose();
    model.dispose();
  }
  if (curve.length === 0)
    throw new UserError('The loss is not finite even in the first step; run "bat-sup check".');
  const lowest = lowestOf(curve, steps);
  return { suggestion: lowest.learningRate / 10, lowest, steps: curve, diverged: isDiverged };
}
