import { tf } from '../tensors/tf.ts';
import type { VariablePlan } from './layer.ts';

/**
 * Creates trainable weights from a truncated normal distribution: mean 0, standard deviation 0.05, redrawn beyond two
 * standard deviations.
 * @param shape e.g. [5, 5, 3, 16] for a convolution, [10816, 1024] for a fully connected layer.
 * @example
 * ```ts
 * import { addWeights, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * const weights = addWeights([5, 5, 3, 16]);
 * console.log(weights.shape); // [5, 5, 3, 16]
 * await engine.dispose();
 * ```
 */
export function addWeights(shape: number[], seed?: number): tf.Variable {
  return tf.tidy(() => tf.variable(tf.truncatedNormal(shape, 0, 0.05, 'float32', seed)));
}

/**
 * Creates trainable biases, all 0.05.
 * @param shape e.g. [16].
 * @example
 * ```ts
 * import { addBiases, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * console.log(addBiases([16]).dataSync()[0]?.toFixed(2)); // 0.05
 * await engine.dispose();
 * ```
 */
export function addBiases(shape: number[]): tf.Variable {
  return filled(shape, 0.05);
}

function filled(shape: number[], value: number): tf.Variable {
  return tf.tidy(() => tf.variable(tf.fill(shape, value)));
}

/** A small hash (FNV-1a): each variable's random values depend only on its name and the seed. */
function seedOf(name: string, seed: number): number {
  let hash = 2166136261 ^ seed;
  for (const character of name) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619);
  return hash >>> 0;
}

/** Creates a variable with its initial values. @param name the full name, e.g. 'conv1/weights'. */
export function createVariable(
  name: string,
  { shape, initial }: Pick<VariablePlan, 'shape' | 'initial'>,
  seed: number,
): tf.Variable {
  return initial === 'random' ? addWeights(shape, seedOf(name, seed)) : filled(shape, initial);
}
