import type { LayerSummary, LayerWatch } from '../layers/index.ts';
import type { Model, ModelDescription } from '../models/model.ts';
import type { Preprocessing } from '../models/preprocessing.ts';
import { toPictures } from '../models/to_pictures.ts';
import { concatenate } from '../tensors/bytes.ts';
import { tf } from '../tensors/tf.ts';

/** softmax: values sum to 1, calibrated where evaluate has stored how. sigmoid: each class by itself in 0..1, as the article adds. none: the logits. */
export type Activation = 'softmax' | 'sigmoid' | 'none';

export interface Predictor {
  description: ModelDescription;
  /** How `decode` brings a picture to the network's size. */
  fit: Preprocessing['fit'];
  /** The checkpoint's folder. */
  checkpoint: string;
  layers: LayerSummary[];
  /** Softmax divides the logits by it; 1 where the checkpoint has not been calibrated. */
  temperature: number;
  /**
   * A picture's bytes or path -> uint8 [height, width, channels] as the network was trained on.
   * @param enlargement for people to look at: so many times the height and the width. Default 1.
   */
  decode(picture: Buffer | string, enlargement?: number): Promise<Uint8Array>;
  /** Decoded pictures -> one value a class for each, in the order of `description.classes`. */
  predict(pictures: Uint8Array[], activation?: Activation): Promise<Float32Array[]>;
  /** Decoded pictures -> logits [batch, classes]; `watch` sees every layer's output, and may replace it. */
  forward(pictures: Uint8Array[], watch?: LayerWatch): tf.Tensor2D;
  dispose(): void;
}

function activate(logits: tf.Tensor2D, activation: Activation, temperature: number): tf.Tensor2D {
  if (activation === 'none') return logits;
  return activation === 'softmax' ? tf.softmax(tf.div(logits, temperature)) : tf.sigmoid(logits);
}

/** What asks a network about pictures; its `dispose` is the network's. */
export function createPredictor(
  model: Model,
  { decode, fit, temperature, checkpoint }: Pick<Predictor, 'decode' | 'fit' | 'temperature' | 'checkpoint'>,
): Predictor {
  const { description } = model;
  const { classes } = description;
  const toTensor = (pictures: Uint8Array[]) => toPictures(concatenate(pictures), model);
  return {
    description,
    fit,
    checkpoint,
    layers: model.layers,
    temperature,
    decode,
    forward: (pictures, watch) => model.forward(toTensor(pictures), watch),
    async predict(pictures, activation = 'softmax') {
      const output = tf.tidy(() => activate(model.forward(toTensor(pictures)), activation, temperature));
      const values = (await output.data()) as Float32Array;
      output.dispose();
      return pictures.map((_, row) => values.slice(row * classes.length, (row + 1) * classes.length));
    },
    dispose: () => model.dispose(),
  };
}
