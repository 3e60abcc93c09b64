import { sizeOf } from '../../../tensors/shape.ts';
import type { tf } from '../../../tensors/tf.ts';
import { runKernel } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { reluGradKernel } from './gradient.ts';
import { type ActivationFunction, activationGradKernel, activationKernel } from './operation.ts';

export const relu: OwnKernel = {
  name: 'Relu',
  accepts: ({ x }) => x?.dtype === 'float32',
  run(context, inputs) {
    const x = inputs.x as tf.TensorInfo;
    const y = context.backend.makeOutput(x.shape, 'float32');
    const size = sizeOf(x.shape);
    runKernel(context, 'relu', Math.ceil(size / 4), { x, y, size });
    return y;
  },
};

export const reluGradient: OwnKernel = {
  name: reluGradKernel,
  run(context, inputs) {
    const { dy, y } = inputs as Record<'dy' | 'y', tf.TensorInfo>;
    const dx = context.backend.makeOutput(dy.shape, 'float32');
    const size = sizeOf(dy.shape);
    runKernel(context, 'reluGradient', Math.ceil(size / 4), { dy, y, dx, size });
    return dx;
  },
};

/** By their numbers in wasm_activation.assembly.ts. */
const numbered: string[] = [
  'relu6',
  'sigmoid',
  'swish',
  'hardSigmoid',
  'hardSwish',
  'leakyRelu',
] satisfies ActivationFunction[];

export const activation: OwnKernel = {
  name: activationKernel,
  run(context, inputs, attributes) {
    const x = inputs.x as tf.TensorInfo;
    const y = context.backend.makeOutput(x.shape, 'float32');
    const size = sizeOf(x.shape);
    const { function: name, alpha } = attributes as { function: string; alpha: number };
    const kind = numbered.indexOf(name);
    runKernel(context, 'activate', Math.ceil(size / 4), { x, y, size, kind, alpha });
    return y;
  },
};

export const activationGradient: OwnKernel = {
  name: activationGradKernel,
  run(context, inputs, attributes) {
    const { x, dy } = inputs as Record<'x' | 'dy', tf.TensorInfo>;
    const dx = context.backend.makeOutput(x.shape, 'float32');
    const size = sizeOf(x.shape);
    const { function: name, alpha } = attributes as { function: string; alpha: number };
    const kind = numbered.indexOf(name);
    runKernel(context, 'activationGradient', Math.ceil(size / 4), { x, dy, dx, size, kind, alpha });
    return dx;
  },
};
