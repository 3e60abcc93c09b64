import { tf } from '../../../tensors/tf.ts';

/** The kernel an engine may register: the whole update in one pass, in place. Inputs: variable, m, v, gradient. */
export const applyAdamKernel = 'ApplyAdam';

/**
 * Adam (Kingma and Ba 2015, the more efficient form given at the end of section 2):
 * m += (1 - beta1)(g - m); v += (1 - beta2)(g^2 - v); variable -= stepSize * m / (sqrt(v) + epsilon)
 * with stepSize = learningRate * sqrt(1 - beta2^t) / (1 - beta1^t).
 */
export interface AdamAttributes {
  stepSize: number;
  beta1: number;
  beta2: number;
  epsilon: number;
}

/** Updates variable, m and v in place from the gradient. All are float32 and have the same shape. */
export function applyAdam(
  variable: tf.Variable,
  m: tf.Variable,
  v: tf.Variable,
  gradient: tf.Tensor,
  attributes: AdamAttributes,
): void {
  if (tf.getKernel(applyAdamKernel, tf.getBackend())) {
    const inputs = { variable, m, v, gradient };
    tf.engine().runKernel(applyAdamKernel, inputs, attributes as unknown as tf.NamedAttrMap);
    return;
  }
  const { stepSize, beta1, beta2, epsilon } = attributes;
  tf.tidy(() => {
    m.assign(tf.add(m, tf.mul(tf.sub(gradient, m), 1 - beta1)));
    v.assign(tf.add(v, tf.mul(tf.sub(tf.square(gradient), v), 1 - beta2)));
    variable.assign(tf.sub(variable, tf.mul(tf.div(m, tf.add(tf.sqrt(v), epsilon)), stepSize)));
  });
}
