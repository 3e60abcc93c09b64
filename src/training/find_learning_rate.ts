import type { Settings } from '../config/index.ts';
import { type Batch, batches } from '../dataset/batches.ts';
import { shuffle } from '../dataset/shuffle.ts';
import { UserError } from '../errors.ts';
import { createModel } from '../models/model.ts';
import { Adam } from './adam.ts';
import { trainStep } from './step.ts';
import { prepare, startOnlineFor, type TrainingEvents, variation } from './train.ts';

/** From the first step's to the last one's, each the same multiple of the one before. */
const least = 1e-6;
const most = 1;
/** Share of the steps that the smoothed loss is about a mean of; before so many it is not looked at. */
const smoothedOver = 0.1;
/** Times the lowest smoothed loss: beyond, the network is learning nothing any more. */
const diverged = 4;

export interface RangeTest {
  learningRate: number;
  /** Of the step before its update; and the mean of those so far, of which the latest count most. */
  loss: number;
  smoothedLoss: number;
}

export interface LearningRateSearch {
  /** A tenth of the rate where the smoothed loss was lowest. */
  suggestion: number;
  lowest: RangeTest;
  steps: RangeTest[];
  /** Whether the loss rose too far, or left the numbers, before the last step. */
  diverged: boolean;
}

export interface FindLearningRateOptions {
  settings: Settings;
  /** Steps from the least rate to the most. At least 10; default 300. */
  steps?: number;
  signal?: AbortSignal;
  events?: Pick<TrainingEvents, 'decoding' | 'notice'>;
  onProgress?: (done: number, total: number) => void;
}

/** The rate of a step, 1 for the first. */
export function testedRate(step: number, steps: number): number {
  return least * (most / least) ** ((step - 1) / (steps - 1));
}

/** Batches for as many epochs as are asked for. */
async function* endlessBatches(
  { pack, dataset, split }: Awaited<ReturnType<typeof prepare>>,
  settings: Settings,
  online: Awaited<ReturnType<typeof startOnlineFor>> | undefined,
): AsyncGenerator<Batch> {
  for (let epoch = 0; ; epoch++) {
    const order = shuffle(split.train, `${settings.seed}/epoch/${epoch}`);
    const whole = order.slice(0, order.length - (order.length % settings.batchSize));
    const vary = variation({ online, settings, position: { epoch } });
    yield* batches(pack, dataset.pictures, whole, settings.batchSize, vary);
  }
}

/** The curve's next point: an exponential mean, free of its bias to the first values (Kingma and Ba 2015, section 3). */
function follow(curve: RangeTest[], learningRate: number, loss: number, steps: number): RangeTest {
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
 * The learning-rate range test (Smith 2017, section 3.3): trains a fresh network for some steps, each with a larger
 * learning rate, and sees up to which the loss falls. Nothing is saved. The engine must have been started.
 * @throws {UserError} for too few classes or pictures, or where it was stopped or no rate learns anything.
 */
export async function findLearningRate(options: FindLearningRateOptions): Promise<LearningRateSearch> {
  const { settings, steps = 300, signal, events = {}, onProgress } = options;
  const prepared = await prepare(settings, events);
  const { seed, dropout, weightDecay, clipNorm } = settings;
  const model = createModel(prepared.description, { seed, dropout });
  const adam = new Adam(model.variables, new Map(), { weightDecay });
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
      curve.push(follow(curve, learningRate, loss, steps));
      onProgress?.(step, steps);
      isDiverged = (curve.at(-1) as RangeTest).smoothedLoss > diverged * lowestOf(curve, steps).smoothedLoss;
      if (isDiverged || step === steps) break;
      if (signal?.aborted) throw new UserError('The learning-rate test was stopped; nothing is suggested.');
    }
  } finally {
    await online?.close();
    adam.dispose();
    model.dispose();
  }
  if (curve.length === 0)
    throw new UserError('The loss is no number from the first step on; check the pictures.');
  const lowest = lowestOf(curve, steps);
  return { suggestion: lowest.learningRate / 10, lowest, steps: curve, diverged: isDiverged };
}
