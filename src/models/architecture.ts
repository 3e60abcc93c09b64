import type { ModelTools, Value } from '../layers/index.ts';

/** A network written with model tools: pictures [batch, height, width, channels] in 0..1 -> logits [batch, classes]. */
export type Architecture = (
  tools: ModelTools,
  pictures: Value,
  sizes: {
    channels: number;
    classes: number;
    /** Channels of the first stage, where there are stages. */
    firstChannels: number;
  },
) => Value;
