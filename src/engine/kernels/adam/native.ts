import type { tf } from '../../../tensors/tf.ts';
import { execute, type NodeBackend } from '../../native/backend.ts';
import { partsOf, postpone } from '../../native/fusion.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { type AdamOfAllAttributes, applyAdamToAllKernel } from './operation.ts';

/** A variable, its m and v, which are updated in place, and its gradient. */
type Tensors = [variable: tf.TensorInfo, m: tf.TensorInfo, v: tf.TensorInfo, gradient: tf.TensorInfo];

/** A variable's tensors and hyperparameters: step size, beta1, beta2, epsilon. */
interface Update {
  tensors: Tensors;
  hyperparameters: number[];
}

/** Updates in place, so that the 11 million weights of the article's network are read and written once. */
export const applyAdamToAll: OwnKernel = {
  name: applyAdamToAllKernel,
  needs: 'operations',
  run(backend, inputs, attributes) {
    const { stepSizes, beta1, beta2, epsilon } = attributes as unknown as AdamOfAllAttributes;
    const all = Object.values(inputs);
    const updates = stepSizes.map((stepSize, index) => ({
      tensors: all.slice(4 * index, 4 * index + 4) as Tensors,
      hyperparameters: [stepSize, beta1, beta2, epsilon],
    }));
    update(backend, updates);
    return [];
  },
};

/** Updates variables; those whose gradient is a product that was deferred are left for later (native/fusion.ts). */
function update(backend: NodeBackend, updates: Update[]): void {
  const now: Update[] = [];
  for (const one of updates) {
    const [variable, m, v, gradient] = one.tensors;
    const factors = partsOf(gradient, 'weightGradient');
    if (!factors) now.push(one);
    else postpone(backend, updateByProduct(backend, [variable, m, v], [factors.x, factors.dy], one));
  }
  if (now.length === 0) return;
  const tensors = [0, 1, 2, 3].flatMap((group) => now.map((one) => one.tensors[group] as tf.TensorInfo));
  const hyperparameters = now.flatMap((one) => one.hyperparameters);
  run(backend, 'BatSupAdam', { N: now.length }, { tensors, hyperparameters });
}

/** Runs an operation that updates variables; `more`: what it reads after the hyperparameters, and how much it returns. */
function run(
  backend: NodeBackend,
  operation: string,
  attributes: { N?: number },
  { tensors, hyperparameters }: { tensors: tf.TensorInfo[]; hyperparameters: number[] },
  more: { inputs: number[]; outputs: number } = { inputs: [], outputs: 0 },
) {
  const { binding } = backend;
  const values = Float32Array.from(hyperparameters);
  const given = binding.createTensor([values.length], binding.TF_FLOAT as number, values);
  const ids = [...backend.getInputTensorIds(tensors), given, ...more.inputs];
  const outputs = execute(backend, operation, attributes as Record<string, number>, ids, more.outputs);
  binding.deleteTensor(given);
  return outputs;
}

/** The update of a layer's weights by a gradient that is a product of two factors. */
function updateByProduct(
  backend: NodeBackend,
  tensors: tf.TensorInfo[],
  inputs: readonly tf.TensorInfo[],
  { hyperparameters }: Update,
) {
  return {
    tensors,
    inputs,
    run: (more = { operation: 'BatSupDenseAdam', inputs: [] as number[], outputs: 0 }) =>
      run(backend, more.operation, {}, { tensors: [...tensors, ...inputs], hyperparameters }, more),
  };
}
