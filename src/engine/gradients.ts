import * as tf from '@tensorflow/tfjs-core';

/**
 * The gradients of the operations that model_tools uses. tfjs-core comes without any in its build for Node, and
 * its fused operations compute the gradient of the pictures as well, which nobody asks for.
 */

type Tensors = tf.Tensor[];
type Attributes = tf.NamedAttrMap;

function run(kernel: string, inputs: Record<string, tf.Tensor>, attributes: Attributes = {}): tf.Tensor {
  return tf.engine().runKernel(kernel, inputs, attributes) as tf.Tensor;
}

/** The kernel an engine may register: the sum over all but the last axis. */
export const biasGradKernel = 'BiasAddGrad';

/** Sum over all but the last axis. [..., channels] -> [channels] */
function sumToChannels(dy: tf.Tensor): tf.Tensor {
  if (tf.getKernel(biasGradKernel, tf.getBackend())) return run(biasGradKernel, { dy });
  return tf.sum(
    dy,
    dy.shape.slice(0, -1).map((_, axis) => axis),
  );
}

const fusedConv2d: tf.GradConfig = {
  kernelName: 'FusedConv2D',
  inputsToSave: ['x', 'filter'],
  gradFunc(gradient, saved, attributes) {
    const dy = gradient as tf.Tensor;
    const [x, filter] = saved as [tf.Tensor, tf.Tensor];
    const { strides, pad, dataFormat } = attributes as Attributes;
    const common = { strides, pad, dataFormat } as Attributes;
    return {
      x: () => run('Conv2DBackpropInput', { dy, filter }, { ...common, inputShape: x.shape }),
      filter: () => run('Conv2DBackpropFilter', { x, dy }, { ...common, filterShape: filter.shape }),
      bias: () => sumToChannels(dy),
    };
  },
};

const fusedMatMul: tf.GradConfig = {
  kernelName: '_FusedMatMul',
  inputsToSave: ['a', 'b'],
  gradFunc(gradient, saved) {
    const dy = gradient as tf.Tensor;
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    return {
      a: () => run('BatchMatMul', { a: dy, b }, { transposeA: false, transposeB: true }),
      b: () => run('BatchMatMul', { a, b: dy }, { transposeA: true, transposeB: false }),
      bias: () => sumToChannels(dy),
    };
  },
};

const maxPool: tf.GradConfig = {
  kernelName: 'MaxPool',
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradFunc(gradient, saved, attributes) {
    const [input, output] = saved as [tf.Tensor, tf.Tensor];
    return {
      x: () => run('MaxPoolGrad', { dy: gradient as tf.Tensor, input, output }, attributes as Attributes),
    };
  },
};

const relu: tf.GradConfig = {
  kernelName: 'Relu',
  outputsToSave: [true],
  gradFunc(gradient, saved) {
    const [y] = saved as [tf.Tensor];
    return { x: () => reluGradient(gradient as tf.Tensor, y) };
  },
};

/** The kernel an engine may register: dy where y is above zero, else 0. */
export const reluGradKernel = 'ReluGrad';

function reluGradient(dy: tf.Tensor, y: tf.Tensor): tf.Tensor {
  if (tf.getKernel(reluGradKernel, tf.getBackend())) return run(reluGradKernel, { dy, y });
  return tf.mul(dy, tf.step(y));
}

const reshape: tf.GradConfig = {
  kernelName: 'Reshape',
  inputsToSave: ['x'],
  gradFunc(gradient, saved) {
    const [x] = saved as Tensors as [tf.Tensor];
    return { x: () => tf.reshape(gradient as tf.Tensor, x.shape) };
  },
};

/** Called again by an engine whose packages bring gradients of their own. */
export function registerGradients(): void {
  for (const gradient of [fusedConv2d, fusedMatMul, maxPool, relu, reshape]) tf.registerGradient(gradient);
}

registerGradients();
