import * as tf from '@tensorflow/tfjs-core';
import type { Predictor } from '../predict/predictor.ts';

/** What one layer makes of a picture. */
export interface FeatureMaps {
  /** 'conv1', 'pool1', 'relu1' ... */
  layer: string;
  height: number;
  width: number;
  channels: number;
  /** [height, width, channels] */
  values: Float32Array;
}

/**
 * The maps of every layer that has height and width, in the network's order.
 * @param picture uint8 [height, width, channels] as `model.decode` gives it.
 */
export async function featureMaps(model: Predictor, picture: Uint8Array): Promise<FeatureMaps[]> {
  const outputs: { layer: string; tensor: tf.Tensor }[] = [];
  tf.tidy(() => {
    model.forward([picture], (layer, output) => {
      if (output.rank === 4) outputs.push({ layer, tensor: tf.keep(tf.clone(output)) });
      return undefined;
    });
  });
  const maps = await Promise.all(
    outputs.map(async ({ layer, tensor }) => {
      const [, height, width, channels] = tensor.shape as [number, number, number, number];
      return { layer, height, width, channels, values: (await tensor.data()) as Float32Array };
    }),
  );
  tf.dispose(outputs.map(({ tensor }) => tensor));
  return maps;
}
