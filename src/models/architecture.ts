import type * as tf from '@tensorflow/tfjs-core';
import type { ModelTools } from '../model_tools/index.ts';

/** A network written with model_tools: pictures [batch, height, width, channels] in 0..1 -> logits [batch, classes]. */
export type Architecture = (
  tools: ModelTools,
  pictures: tf.Tensor4D,
  sizes: {
    channels: number;
    classes: number;
    /** Share of the features before the logits that learning drops, 0 to below 1. */
    dropout: number;
    /** Of the first level, where there are levels. */
    firstChannels: number;
  },
) => tf.Tensor2D;
