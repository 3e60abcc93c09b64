import * as tf from '@tensorflow/tfjs-core';

/** The kernel every engine registers: one Adam update, in place on the memory of variable, m and v. */
export const applyAdamKernel = 'ApplyAdam';

/**
 * Adam (Kingma and Ba 2015, the efficient form at the end of section 2):
 * m += (1 - beta1)(g - m); v += (1 - beta2)(g^2 - v); variable -= stepSize * m / (sqrt(v) + epsilon)
 * with stepSize = learningRate * sqrt(1 - beta2^t) / (1 - beta1^t).
 */
export interface AdamAttributes {
  stepSize: number;
  beta1: number;
  beta2: number;
  epsilon: number;
}

/** Updates variable, m and v, float32 of one shape, in place from the gradient of that shape. */
export function applyAdam(
  variable: tf.Tensor,
  m: tf.Tensor,
  v: tf.Tensor,
  gradient: tf.Tensor,
  attributes: AdamAttributes,
): void {
  tf.engine().runKernel(
    applyAdamKernel,
    { variable, m, v, gradient },
    attributes as unknown as tf.NamedAttrMap,
  );
}
