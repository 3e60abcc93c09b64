import type { Model } from '../../models/model.ts';
import type { tf } from '../../tensors/tf.ts';

/** The last layer of a network, which computes the logits from the features. */
export interface LinearHead {
  name: string;
  /** The layer whose output it reads, and the length of that. */
  layer: string;
  length: number;
  /** [length, classes] */
  weights: tf.Variable;
  /** [classes] */
  biases: tf.Variable;
}

/** @param model whose last layer is fully connected. */
export function headOf({ layers, variables }: Model): LinearHead {
  const { name, inputs, inputShape } = layers.at(-1) as (typeof layers)[number];
  return {
    name,
    layer: inputs[0] as string,
    length: inputShape[0] as number,
    weights: variables.get(`${name}/weights`) as tf.Variable,
    biases: variables.get(`${name}/biases`) as tf.Variable,
  };
}
