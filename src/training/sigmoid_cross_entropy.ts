import { tf } from '../tensors/tf.ts';
import type { Targets } from './targets.ts';

/**
 * Mean sigmoid cross-entropy over pictures and classes, nats: logits [batch, classes] -> scalar, as PyTorch's
 * BCEWithLogitsLoss. Its gradient is weight * (sigmoid(logits) - target) / (batch * classes).
 */
export function sigmoidCrossEntropy(logits: tf.Tensor2D, { probabilities, weights }: Targets): tf.Scalar {
  const targets = tf.tensor2d(probabilities, logits.shape);
  const factors = weights && tf.tensor2d(weights, logits.shape);
  const weigh = (values: tf.Tensor) => (factors ? tf.mul(values, factors) : values);
  const loss = tf.customGrad((...inputs) => {
    const [input, save] = inputs as [tf.Tensor2D, tf.GradSaveFunc];
    // max(z, 0) - z y + log(1 + exp(-|z|)): no exponential can overflow.
    const rest = tf.log(tf.add(1, tf.exp(tf.neg(tf.abs(input)))));
    const losses = tf.add(tf.sub(tf.relu(input), tf.mul(input, targets)), rest);
    save([weigh(tf.sub(tf.sigmoid(input), targets))]);
    return {
      value: tf.mean(weigh(losses)),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => tf.mul(saved as tf.Tensor, tf.div(dy, input.size)),
    };
  });
  return loss(logits) as tf.Scalar;
}
