import type * as tf from '@tensorflow/tfjs-core';
import { addBiases } from './add_biases.ts';
import { addWeights } from './add_weights.ts';
import type { Scope } from './scope.ts';

/** A small hash (FNV-1a), so that each variable's random numbers depend on its own name alone. */
function seedOf(name: string, seed: number): number {
  let hash = 2166136261 ^ seed;
  for (const character of name) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619);
  return hash >>> 0;
}

interface Connections {
  weights: tf.Tensor;
  biases: tf.Tensor;
  /** As the layer's summary lists them. */
  variables: { name: string; shape: number[] }[];
}

/** The weights of the layer of this name. */
export function weightsOf(
  scope: Scope,
  name: string,
  shape: number[],
): Pick<Connections, 'weights' | 'variables'> {
  const weightName = `${name}/weights`;
  return {
    weights: scope.variable(weightName, shape, () => addWeights(shape, seedOf(weightName, scope.seed))),
    variables: [{ name: weightName, shape }],
  };
}

/** The weights and biases of the layer of this name. */
export function connections(scope: Scope, name: string, weightShape: number[]): Connections {
  const biasShape = weightShape.slice(-1);
  const biasName = `${name}/biases`;
  const { weights, variables } = weightsOf(scope, name, weightShape);
  return {
    weights,
    biases: scope.variable(biasName, biasShape, () => addBiases(biasShape)),
    variables: [...variables, { name: biasName, shape: biasShape }],
  };
}
