import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../errors.ts';
import type { LayerSummary } from './types.ts';

/** Is shown each layer's output on its way, and may answer with another tensor to go on with in its place. */
export type LayerWatch = (name: string, output: tf.Tensor) => tf.Tensor | undefined;

/** A forward pass that is learnt from. */
export interface LearningPass {
  /** 1 for the first; what is random in the pass depends on it, the scope's seed and the row alone. */
  step: number;
  /** Where others learn from other rows of the same batch: which of its rows this pass's first is. */
  firstRow?: number;
  /** Is shown each variable, and answers with what layers are to use in its place. */
  variable?(name: string, variable: tf.Variable): tf.Tensor;
}

/**
 * Where a network's layers keep their variables from one forward pass to the next, and what each layer
 * of the last pass was. A layer called without a scope gets a fresh one, and so new variables.
 */
export class Scope {
  /** Trained by their gradients. */
  readonly variables = new Map<string, tf.Variable>();
  /** Kept by layers as they see batches, e.g. moving averages; no gradient changes them. */
  readonly state = new Map<string, tf.Variable>();
  layers: LayerSummary[] = [];
  /** Of this pass; undefined where it only answers. */
  learning: LearningPass | undefined;
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
  begin(watch?: LayerWatch, learning?: LearningPass): void {
    this.layers = [];
    this.#watch = watch;
    this.learning = learning;
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
  variable(name: string, shape: number[], create: () => tf.Variable): tf.Tensor {
    const variable = this.#findOrMake(this.variables, name, shape, create);
    return this.learning?.variable?.(name, variable) ?? variable;
  }

  /** The same for what a layer keeps besides its variables. */
  stateVariable(name: string, shape: number[], create: () => tf.Variable): tf.Variable {
    return this.#findOrMake(this.state, name, shape, create);
  }

  #findOrMake(
    among: Map<string, tf.Variable>,
    name: string,
    shape: number[],
    create: () => tf.Variable,
  ): tf.Variable {
    const known = among.get(name);
    if (known) return known;
    const value = this.#restored.get(name);
    if (value && value.length !== tf.util.sizeFromShape(shape))
      throw new UserError(`The stored ${name} has ${value.length} numbers; the network's is [${shape}].`);
    const made = value ? tf.tidy(() => tf.variable(tf.tensor(value, shape))) : create();
    among.set(name, made);
    this.#restored.delete(name);
    return made;
  }

  dispose(): void {
    for (const kept of [this.variables, this.state]) {
      for (const variable of kept.values()) variable.dispose();
      kept.clear();
    }
  }
}
