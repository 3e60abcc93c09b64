import type { Predictor } from '../predict/predictor.ts';
import { tf } from '../tensors/tf.ts';

/** The output of one layer for one picture. */
export interface FeatureMaps {
  /** Name of the layer: 'conv1', 'pool1', 'relu1' ... */
  layer: string;
  height: number;
  width: number;
  channels: number;
  /** float32 [height, width, channels]. */
  values: Float32Array;
}

/**
 * Computes the feature maps of every layer whose output has a height and a width, in the order of the layers.
 * The engine must have been started.
 * @param picture uint8 [height, width, channels], from `model.decode`.
 * @example
 * ```ts
 * import { readdir } from 'node:fs/promises';
 * import { featureMaps, loadModel } from 'bat-sup';
 *
 * const { predictor, classes, dispose } = await loadModel('checkpoints', { engine: 'wasm' });
 * const folder = `rawdata/${classes[0]}`;
 * const picture = await predictor.decode(`${folder}/${(await readdir(folder))[0]}`);
 * for (const { layer, height, width, channels } of await featureMaps(predictor, picture))
 *   console.log(layer, height, width, channels);
 * await dispose();
 * ```
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
