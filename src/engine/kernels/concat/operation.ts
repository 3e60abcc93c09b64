import { tf } from '../../../tensors/tf.ts';

/**
 * Puts tensors beside each other along their last axis.
 * @param inputs [...same, channels] each.
 * @returns [...same, sum of channels]; it has gradients for all inputs.
 */
export function concatenate(inputs: tf.Tensor[]): tf.Tensor {
  const widths = inputs.map(({ shape }) => shape.at(-1) as number);
  const join = tf.customGrad((...given) => ({
    // The last argument saves tensors for the gradient, which needs none.
    value: tf.concat(given.slice(0, inputs.length) as tf.Tensor[], -1),
    gradFunc: (dy: tf.Tensor) => split(dy, widths),
  }));
  return join(...inputs);
}

/** The parts of a tensor along its last axis. */
function split(x: tf.Tensor, widths: number[]): tf.Tensor[] {
  let first = 0;
  return widths.map((width) => {
    const begin = [...Array(x.rank - 1).fill(0), first];
    first += width;
    return tf.slice(x, begin, [...x.shape.slice(0, -1), width]);
  });
}
