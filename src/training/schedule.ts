import type { Settings } from '../config/index.ts';

type ScheduleSettings = Pick<Settings, 'learningRate' | 'learningRateSchedule' | 'warmup' | 'epochs'>;

/** Shares of the steps after warm-up at which 'step' divides the learning rate by ten: He et al. 2016, section 4.2. */
const milestones = [0.5, 0.75];

/** By how much each schedule multiplies the learning rate. `done`: share of the steps after warm-up, 0..1. */
const factors: Record<Settings['learningRateSchedule'], (done: number) => number> = {
  constant: () => 1,
  // Loshchilov and Hutter 2017, equation 5, without restarts.
  cosine: (done) => (1 + Math.cos(Math.PI * done)) / 2,
  step: (done) => 0.1 ** milestones.filter((milestone) => done >= milestone).length,
};

/**
 * The learning rate of a step. It rises in equal steps to `learningRate` over the first `warmup` epochs, and then goes
 * by the schedule, so that the last step's is just above what the schedule ends at.
 * @param step 1 for the first.
 */
export function learningRateAt(step: number, settings: ScheduleSettings, stepsPerEpoch: number): number {
  const { learningRate, learningRateSchedule, warmup, epochs } = settings;
  const warmupSteps = Math.round(warmup * stepsPerEpoch);
  if (step <= warmupSteps) return (learningRate * step) / warmupSteps;
  const done = (step - 1 - warmupSteps) / (epochs * stepsPerEpoch - warmupSteps);
  return learningRate * factors[learningRateSchedule](done);
}

const scales: Record<Settings['scaleLearningRate'], (ranks: number) => number> = {
  off: () => 1,
  // Goyal et al. 2017, section 2.1.
  linear: (ranks) => ranks,
  // What keeps the variance of a step with Adam: Malladi et al. 2022, section 4.
  sqrt: Math.sqrt,
};

/** By how much so many ranks, each with a batch of its own, multiply the learning rate. */
export function scaleOf({ scaleLearningRate }: Pick<Settings, 'scaleLearningRate'>, ranks: number): number {
  return scales[scaleLearningRate](ranks);
}
