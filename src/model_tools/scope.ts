import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../errors.ts';
import type { LayerSummary } from './types.ts';

/** Is shown each layer's output on its way, and may answer with another tensor to go on with in its place. */
export type LayerWatch = (name: string, output: tf.Tensor) => tf.Tensor | undefined;

/**
 * Where a network's layers keep their variables from one forward pass to the next, and what each layer
 * of the last pass was. A layer called without a scope gets a fresh one, and so new variables.
 */
export class Scope {
  readonly variables = new Map<string, tf.Variable>();
  layers: LayerSummary[] = [];
  readonly seed: number;
  readonly #restored: Map<string, Float32Array>;
  #watch: LayerWatch | undefined;
  /** Which layer each tensor of this pass is the output of. */
  #madeBy = new WeakMap<tf.Tensor, string>();

  /**
   * @param seed of the initial weights.
   * @param restored values by variable name, used instead of random initial ones.
   */
  constructor(seed = 1, restored = new Map<string, Float32Array>()) {
    this.seed = seed;
    this.#restored = restored;
  }

  /** Starts a forward pass: the layers are named from 1 again and find their variables by these names. */
  begin(watch?: LayerWatch): void {
    this.layers = [];
    this.#watch = watch;
  }

  /**
   * Books a layer.
   * @param inputs what it was given: outputs of earlier layers, or the pictures.
   * @returns what the next one is to be given: its output, unless the pass is watched.
   */
  add<T extends tf.Tensor>(layer: Omit<LayerSummary, 'inputs'>, inputs: tf.Tensor[], output: T): T {
    const names = inputs.map((input) => this.#madeBy.get(input)).filter((name) => name !== undefined);
    this.layers.push({ ...layer, inputs: names });
    const next = (this.#watch?.(layer.name, output) as T | undefined) ?? output;
    this.#madeBy.set(next, layer.name);
    return next;
  }

  /** The next name of a kind: 'conv' -> 'conv1', 'conv2' ... */
  nextName(prefix: string): string {
    const before = this.layers.filter((layer) => layer.name.replace(/\d+$/, '') === prefix).length;
    return `${prefix}${before + 1}`;
  }

  /**
   * The variable of this name, made on first use from the restored value or by `create`.
   * @throws {UserError} where the restored value is of another size.
   */
  variable(name: string, shape: number[], create: () => tf.Variable): tf.Variable {
    const known = this.variables.get(name);
    if (known) return known;
    const value = this.#restored.get(name);
    if (value && value.length !== tf.util.sizeFromShape(shape))
      throw new UserError(`The stored ${name} has ${value.length} numbers; the network's is [${shape}].`);
    const made = value ? tf.tidy(() => tf.variable(tf.tensor(value, shape))) : create();
    this.variables.set(name, made);
    this.#restored.delete(name);
    return made;
  }

  dispose(): void {
    for (const variable of this.variables.values()) variable.dispose();
    this.variables.clear();
  }
}
