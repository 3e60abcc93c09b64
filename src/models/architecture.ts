import type { ModelTools, Value } from '../layers/index.ts';

/** Builds a network from layer functions: pictures [batch, height, width, channels] in 0..1 -> logits [batch, classes]. */
export type Architecture = (
  tools: ModelTools,
  pictures: Value,
  sizes: {
    /** Channels of the pictures, 1 or 3. */
    channels: number;
    /** Number of classes. */
    classes: number;
    /** Channels of the first stage, in architectures with stages. */
    firstChannels: number;
  },
) => Value;
