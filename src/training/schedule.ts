import type { Settings } from '../config/index.ts';

type ScheduleSettings = Pick<Settings, 'learningRate' | 'learningRateSchedule' | 'warmup' | 'epochs'>;

/** 'step' divides the learning rate by 10 at these shares of the steps after warm-up: He et al. 2016, section 4.2. */
const milestones = [0.5, 0.75];

/** What each schedule multiplies the learning rate by. `done` is the share of the steps after warm-up, 0 to 1. */
const factors: Record<Settings['learningRateSchedule'], (done: number) => number> = {
  constant: () => 1,
  // Loshchilov and Hutter 2017, equation 5, without warm restarts.
  cosine: (done) => (1 + Math.cos(Math.PI * done)) / 2,
  step: (done) => 0.1 ** milestones.filter((milestone) => done >= milestone).length,
};

/**
 * The learning rate of a step: it rises linearly to `learningRate` over the first `warmup` epochs, and then follows the
 * schedule, whose end lies one step beyond the last.
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
  // The square-root scaling rule for Adam: Malladi et al. 2022, section 4.
  sqrt: Math.sqrt,
};

/** What the learning rate is multiplied by when this many ranks each train on a batch of the same size. */
export function scaleOf({ scaleLearningRate }: Pick<Settings, 'scaleLearningRate'>, ranks: number): number {
  return scales[scaleLearningRate](ranks);
}
