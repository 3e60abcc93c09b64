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

/** The weights and biases of the layer of this name. */
export function connections(
  scope: Scope,
  name: string,
  weightShape: number[],
): { weights: tf.Variable; biases: tf.Variable; variables: { name: string; shape: number[] }[] } {
  const biasShape = weightShape.slice(-1);
  const weightName = `${name}/weights`;
  const biasName = `${name}/biases`;
  return {
    weights: scope.variable(weightName, weightShape, () =>
      addWeights(weightShape, seedOf(weightName, scope.seed)),
    ),
    biases: scope.variable(biasName, biasShape, () => addBiases(biasShape)),
    variables: [
      { name: weightName, shape: weightShape },
      { name: biasName, shape: biasShape },
    ],
  };
}
