/**
 * Started by smoke_test.ts with the description of an installation as its argument. It is a process of its own because a
 * library that does not fit the machine may crash it.
 */

import { applyAdam } from '../engine/kernels/adam/operation.ts';
import { startInstallation } from '../engine/native/index.ts';
import { convLayer, poolingLayer, Scope } from '../layers/index.ts';
import { tf } from '../tensors/tf.ts';

function expectClose(what: string, got: ArrayLike<number>, wanted: number[]): void {
  const close = wanted.every((value, index) => Math.abs((got[index] as number) - value) < 1e-3);
  if (!close || got.length !== wanted.length) {
    throw new Error(`${what} is [${Array.from(got).join(', ')}] instead of [${wanted.join(', ')}]`);
  }
}

async function test(): Promise<{ version: string; gpu: boolean }> {
  const { version, gpu } = await startInstallation(JSON.parse(process.argv[2] as string));
  const scope = new Scope();
  const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
  const convolve = () => {
    scope.begin();
    return convLayer(x, { kernel: 2, inputChannels: 1, outputChannels: 1, stride: 1 }, scope);
  };
  const ones = tf.onesLike(convolve());
  const weights = scope.variables.get('conv1/weights') as tf.Variable;
  const { grads } = tf.engine().gradients(convolve, [weights], ones);
  // By hand: the sum of x over the positions of each weight; SAME padding is at the right and the bottom.
  expectClose('The gradient of a convolution', await (grads[0] as tf.Tensor).data(), [45, 33, 39, 28]);

  const pool = tf.grad((input: tf.Tensor) => poolingLayer(input as tf.Tensor4D, { kernel: 2, stride: 2 }));
  const gradient = pool(x, tf.ones([1, 2, 2, 1]));
  expectClose('The gradient of a max-pooling', await gradient.data(), [0, 0, 0, 0, 1, 1, 0, 1, 1]);

  const [variable, m, v] = [tf.tensor1d([1, -1]), tf.zeros([2]), tf.zeros([2])].map((one) =>
    tf.variable(one),
  );
  const attributes = { stepSize: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 0 };
  applyAdam(variable as tf.Variable, m as tf.Variable, v as tf.Variable, tf.tensor1d([2, -4]), attributes);
  // m = 0.1 g and v = 0.001 g^2, so each value moves by 0.1 * 0.1 / sqrt(0.001) = 0.316228 against its gradient.
  expectClose("Adam's update", await (variable as tf.Variable).data(), [0.683772, -0.683772]);
  return { version, gpu };
}

test().then(
  (result) => process.send?.(result),
  (error) => process.send?.({ failure: String(error.message).replace(/\s*\n\s*/g, ' ') }),
);
