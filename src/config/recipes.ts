import type { Config } from './settings.ts';

/** Defaults in place of those of settings.ts. What they are worth: `npm run bench -- recipe`. */
export const recipes: Record<'article' | 'best', Config> = {
  article: {},
  best: {
    architecture: 'auto',
    augment: 'online',
    // Of all eight of settings.ts a network learns less in twenty epochs.
    augmentOperations: ['flipLeftRight', 'shift', 'hsvShift'],
    learningRateSchedule: 'cosine',
    warmup: 1,
    labelSmoothing: 0.1,
    ema: 0.99,
  },
};
