import type { tf } from '../../../tensors/tf.ts';
import { execute, type NodeBackend } from '../../native/backend.ts';
import { partsOf, postpone } from '../../native/fusion.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { type AdamAttributes, applyAdamKernel } from './operation.ts';

/** Updates in place, so that the 11 million weights of the article's network are read and written once. */
export const applyAdam: OwnKernel = {
  name: applyAdamKernel,
  needs: 'operations',
  run(backend, inputs, attributes) {
    const { stepSize, beta1, beta2, epsilon } = attributes as unknown as AdamAttributes;
    const { variable, m, v, gradient } = inputs as Record<'variable' | 'm' | 'v' | 'gradient', tf.TensorInfo>;
    const tensors = [variable, m, v];
    const factors = partsOf(gradient, 'weightGradient');
    const hyperparameters = Float32Array.of(stepSize, beta1, beta2, epsilon);
    if (factors)
      postpone(backend, updateByProduct(backend, tensors, [factors.x, factors.dy], hyperparameters));
    else runUpdate(backend, 'BatSupAdam', [...tensors, gradient], hyperparameters);
    return [];
  },
};

/** Runs an operation that updates a variable; `more`: what it reads after the hyperparameters, and how much it returns. */
function runUpdate(
  backend: NodeBackend,
  operation: string,
  tensors: tf.TensorInfo[],
  hyperparameters: Float32Array,
  more: { inputs: number[]; outputs: number } = { inputs: [], outputs: 0 },
) {
  const { binding } = backend;
  const given = binding.createTensor([hyperparameters.length], binding.TF_FLOAT as number, hyperparameters);
  const ids = [...backend.getInputTensorIds(tensors), given, ...more.inputs];
  const outputs = execute(backend, operation, {}, ids, more.outputs);
  binding.deleteTensor(given);
  return outputs;
}

/** The update of a layer's weights by a gradient that is a product of two factors. */
function updateByProduct(
  backend: NodeBackend,
  tensors: tf.TensorInfo[],
  inputs: readonly tf.TensorInfo[],
  hyperparameters: Float32Array,
) {
  return {
    tensors,
    inputs,
    run: (more = { operation: 'BatSupDenseAdam', inputs: [] as number[], outputs: 0 }) =>
      runUpdate(backend, more.operation, [...tensors, ...inputs], hyperparameters, more),
  };
}
