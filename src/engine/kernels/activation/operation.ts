import '../../gradients.ts';
import { tf } from '../../../tensors/tf.ts';

export const activationFunctions = [
  'relu',
  'relu6',
  'sigmoid',
  'swish',
  'hardSigmoid',
  'hardSwish',
  'leakyRelu',
] as const;
export type ActivationFunction = (typeof activationFunctions)[number];

export interface ActivationAttributes {
  /**
   * relu max(x, 0); relu6 min(max(x, 0), 6); sigmoid 1 / (1 + e^-x); swish x * sigmoid(x); hardSigmoid relu6(x + 3) / 6, as in
   * PyTorch and Keras 3 (Keras 2 and tfjs have another); hardSwish x * relu6(x + 3) / 6; leakyRelu x where x > 0, else alpha * x.
   */
  function: ActivationFunction;
  /** The slope of leakyRelu below zero. Default 0.2, as in tfjs; Keras has 0.3, PyTorch 0.01. */
  alpha?: number;
}

/** The kernels an engine may register, for every function but relu. Input: x. */
export const activationKernel = 'Activation';
/** Inputs: x, dy. */
export const activationGradKernel = 'ActivationGrad';

export const defaultAlpha = 0.2;

/** An activation function of each element; the shape stays. */
export function activate<T extends tf.Tensor>(x: T, attributes: ActivationAttributes): T {
  const { function: name, alpha = defaultAlpha } = attributes;
  if (name === 'relu') return tf.relu(x);
  const compute = tf.customGrad((...inputs) => {
    const [layer, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([layer]);
    return {
      value:
        runKernel(activationKernel, { x: layer }, { function: name, alpha }) ?? value(layer, name, alpha),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => gradient(saved as tf.Tensor, dy, name, alpha),
    };
  });
  return compute(x) as T;
}

function runKernel(kernel: string, inputs: tf.NamedTensorMap, attributes: tf.NamedAttrMap) {
  if (!tf.getKernel(kernel, tf.getBackend())) return undefined;
  return tf.engine().runKernel(kernel, inputs, attributes) as tf.Tensor;
}

type OwnFunction = Exclude<ActivationFunction, 'relu'>;

function value(x: tf.Tensor, name: OwnFunction, alpha: number): tf.Tensor {
  switch (name) {
    case 'relu6':
      return tf.relu6(x);
    case 'sigmoid':
      return tf.sigmoid(x);
    case 'swish':
      return tf.mul(x, tf.sigmoid(x));
    case 'hardSigmoid':
      return tf.div(tf.relu6(tf.add(x, 3)), 6);
    case 'hardSwish':
      return tf.div(tf.mul(x, tf.relu6(tf.add(x, 3))), 6);
    case 'leakyRelu':
      return tf.leakyRelu(x, alpha);
  }
}

function gradient(x: tf.Tensor, dy: tf.Tensor, name: OwnFunction, alpha: number): tf.Tensor {
  const attributes = { function: name, alpha };
  return runKernel(activationGradKernel, { x, dy }, attributes) ?? tf.mul(dy, derivative(x, name, alpha));
}

/** At the corners of relu6, hardSigmoid and hardSwish, that of the constant part. */
function derivative(x: tf.Tensor, name: OwnFunction, alpha: number): tf.Tensor {
  switch (name) {
    case 'relu6':
      return tf.mul(tf.step(x), tf.step(tf.sub(6, x)));
    case 'sigmoid': {
      const s = tf.sigmoid(x);
      return tf.mul(s, tf.sub(1, s));
    }
    case 'swish': {
      const s = tf.sigmoid(x);
      return tf.mul(s, tf.add(1, tf.mul(x, tf.sub(1, s))));
    }
    case 'hardSigmoid':
      return tf.div(tf.mul(tf.step(tf.add(x, 3)), tf.step(tf.sub(3, x))), 6);
    case 'hardSwish': {
      const above = tf.cast(tf.greaterEqual(x, 3), 'float32');
      const inside = tf.mul(tf.step(tf.add(x, 3)), tf.sub(1, above));
      return tf.add(tf.mul(inside, tf.div(tf.add(tf.mul(x, 2), 3), 6)), above);
    }
    case 'leakyRelu':
      return tf.step(x, alpha);
  }
}
