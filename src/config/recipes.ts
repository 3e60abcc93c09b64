import type { Config } from './settings.ts';

/** Defaults that replace those of settings.ts. `npm run bench -- recipe` measures them. */
export const recipes: Record<'article' | 'best', Config> = {
  article: {},
  best: {
    pretrained: 'auto',
    // For where no pre-trained network can be had.
    architecture: 'auto',
    augment: 'online',
    // With all eight operations of settings.ts a network learns less in twenty epochs.
    augmentOperations: ['flipLeftRight', 'shift', 'hsvShift'],
    learningRateSchedule: 'cosine',
    warmup: 1,
    labelSmoothing: 0.1,
    ema: 0.99,
  },
};
