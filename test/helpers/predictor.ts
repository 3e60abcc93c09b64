import * as tf from '@tensorflow/tfjs-core';
import { createModel, type ModelDescription } from '../../src/models/model.ts';
import { toPictures } from '../../src/models/to_pictures.ts';
import type { Predictor } from '../../src/predict/predictor.ts';

/** A predictor of a network that was never saved. It takes decoded pictures only. */
export function predictorOf(description: ModelDescription, restored?: Map<string, Float32Array>): Predictor {
  const model = createModel(description, { seed: 5, ...(restored && { restored }) });
  const forward: Predictor['forward'] = (pictures, watch) =>
    model.forward(toPictures(Buffer.concat(pictures), model), watch);
  return {
    description,
    fit: 'fill',
    checkpoint: '',
    layers: model.layers,
    temperature: 1,
    forward,
    decode: () => Promise.reject(new Error('it is given decoded pictures')),
    async predict(pictures, activation = 'softmax') {
      const values = tf.tidy(() => {
        const logits = forward(pictures);
        return (activation === 'none' ? logits : tf.softmax(logits)).dataSync() as Float32Array;
      });
      const classes = description.classes.length;
      return pictures.map((_, row) => values.slice(row * classes, (row + 1) * classes));
    },
    dispose: () => model.dispose(),
  };
}
