import type { Model } from '../../models/model.ts';
import { drawFilters, type EventWriter, histogramSummary, imageSummary } from '../../tensorboard/index.ts';
import { tf } from '../../tensors/tf.ts';
import type { StepWatch } from '../step.ts';

/** Enough values for thirty buckets; more would take longer to read back. */
const sampleSize = 1 << 14;

/** Evenly spaced values of a tensor, read back from the engine. */
function sampleOf(tensor: tf.Tensor): Float32Array {
  return tf.tidy(() => {
    const flat = tf.reshape(tensor, [-1]);
    // Odd, so that it has no common factor with sizes that are powers of two and reaches all of their rows.
    const stride = Math.ceil(flat.size / sampleSize) | 1;
    const sample = stride === 1 ? flat : tf.stridedSlice(flat, [0], [flat.size], [stride]);
    return sample.dataSync() as Float32Array;
  });
}

function histogramOf(tag: string, tensor: tf.Tensor): Buffer {
  return histogramSummary(tag, sampleOf(tensor), tensor.size);
}

/** Logs histograms of the activations and gradients of one step. */
export function watchNetwork(writer: EventWriter, model: Model, step: number): StepWatch {
  return {
    layer(name, output) {
      // Its values are those of the layer before.
      if (name !== 'flatten') writer.summary(step, histogramOf(`activations/${name}`, output));
      return undefined;
    },
    gradients(gradients) {
      for (const [name, variable] of model.variables) {
        const gradient = gradients[variable.name];
        if (gradient) writer.summary(step, histogramOf(`gradients/${name}`, gradient));
      }
    },
  };
}

/** 'conv1/weights' -> 'weights/conv1', so that TensorBoard groups all weights. */
function tagOf(variable: string): string {
  const slash = variable.lastIndexOf('/');
  return `${variable.slice(slash + 1)}/${variable.slice(0, slash)}`;
}

/** Logs histograms of the weights at once, and then draws the filters of the first convolution. */
export async function writeWeights(writer: EventWriter, model: Model, step: number): Promise<void> {
  for (const [name, variable] of model.variables) writer.summary(step, histogramOf(tagOf(name), variable));
  const first = model.layers.find(({ kind }) => kind === 'conv');
  const name = first?.variables[0]?.name ?? '';
  const weights = model.variables.get(name) ?? model.frozen.get(name);
  if (!weights) return;
  const filters = await drawFilters(weights.dataSync().slice() as Float32Array, weights.shape);
  writer.summary(step, imageSummary(`filters/${first?.name}`, filters));
}
