import type { Config } from './settings.ts';

/** Defaults in place of those of settings.ts. Measured with `npm run bench -- recipe`. */
export const recipes: Record<'article' | 'best', Config> = {
  article: {},
  best: {
    architecture: 'deep',
    augment: 'online',
    batchSize: 16,
    learningRate: 0.002,
    learningRateSchedule: 'cosine',
    warmup: 1,
    labelSmoothing: 0.1,
    weightDecay: 0.01,
    ema: 0.99,
  },
};
