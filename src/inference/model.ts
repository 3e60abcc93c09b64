import { UserError } from '../errors.ts';
import type { LayerSummary } from '../layers/index.ts';
import { tf } from '../tensors/tf.ts';
import { prepare, type ReadyStep } from './compute.ts';
import { fold } from './fold.ts';

/** A network for inference alone: its layers folded together where one pass can compute several. */
export interface FoldedModel {
  /**
   * Computes the network, without gradients. The output differs from that of `Model.forward` by rounding.
   * @param pictures preprocessed, [batch, height, width, channels]
   * @param layer the layer whose output is wanted; default: the last, the logits. See `layers`.
   * @returns the layer's output, [batch, ...outputShape]; the caller disposes of it.
   * @throws {UserError} where no step computes the output of that layer.
   */
  forward(pictures: tf.Tensor4D, layer?: string): tf.Tensor;
  /**
   * Computes the logits, and the output of a layer on the way, in one pass.
   * @returns both; the caller disposes of them.
   * @throws {UserError} where no step computes the output of that layer.
   */
  forwardWith(pictures: tf.Tensor4D, layer: string): { logits: tf.Tensor; output: tf.Tensor };
  /** The layers whose outputs can be had, in order: those that are not folded into a later one. */
  layers: string[];
  /** Frees the weights. */
  dispose(): void;
}

/**
 * Creates a network for inference. An engine must be running; dispose of the model after use.
 * @param layers complete, as `createModel(...).layers` are: each after those that it reads.
 * @param weights values by variable name, e.g. 'conv1/weights'.
 */
export function createFoldedModel({
  layers,
  weights,
}: {
  layers: LayerSummary[];
  weights: ReadonlyMap<string, Float32Array>;
}): FoldedModel {
  const steps = prepare(fold(layers, weights));
  for (const { tensors } of steps) for (const tensor of tensors) tf.keep(tensor);
  const names = steps.map(({ name }) => name);
  const indexOf = (layer: string) => {
    if (!names.includes(layer)) throw new UserError(`No step has the output of ${layer}.`);
    return names.indexOf(layer);
  };
  return {
    layers: names,
    forward(pictures, layer = names.at(-1) as string) {
      const wanted = steps.slice(0, indexOf(layer) + 1);
      return tf.tidy(() => runSteps(wanted, pictures));
    },
    forwardWith(pictures, layer) {
      indexOf(layer);
      return tf.tidy(() => {
        let output: tf.Tensor | undefined;
        const logits = runSteps(steps, pictures, (name, tensor) => {
          if (name === layer) output = tf.clone(tensor);
        });
        return { logits, output: output as tf.Tensor };
      });
    },
    dispose() {
      for (const { tensors } of steps) tf.dispose(tensors);
    },
  };
}

/**
 * Computes the steps in order; each output is freed after its last reader.
 * @param watch is called with each output.
 * @returns the output of the last.
 */
function runSteps(
  steps: ReadyStep[],
  pictures: tf.Tensor,
  watch: (name: string, output: tf.Tensor) => void = () => {},
): tf.Tensor {
  const lastReader = new Map(
    steps.flatMap(({ reads }, index) => reads.map((name) => [name, index] as const)),
  );
  const outputs = new Map<string, tf.Tensor>();
  let output = pictures;
  for (const [index, { name, reads, compute }] of steps.entries()) {
    const inputs = reads.length > 0 ? reads.map((one) => outputs.get(one) as tf.Tensor) : [pictures];
    output = tf.tidy(() => compute(inputs));
    outputs.set(name, output);
    watch(name, output);
    for (const one of new Set(reads)) if (lastReader.get(one) === index) outputs.get(one)?.dispose();
  }
  return output;
}
