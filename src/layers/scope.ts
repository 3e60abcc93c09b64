import { UserError } from '../errors.ts';
import { tf } from '../tensors/tf.ts';
import type { Builder, Value } from './builder.ts';
import { createVariable } from './initial_values.ts';
import {
  type Layer,
  type LayerSummary,
  nextName,
  type PlannedLayer,
  planLayer,
  type TrainingPass,
  type VariablePlan,
} from './layer.ts';
import { failFor } from './network_plan.ts';

/** Is shown each layer's output on its way, and may return another tensor for the next layers to read in its place. */
export type LayerWatch = (name: string, output: tf.Tensor) => tf.Tensor | undefined;

/**
 * Where a network's layers keep their variables from one forward pass to the next, and the layers of the last pass. A
 * layer called without a scope gets a fresh one, and so new variables.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { activationLayer, convLayer, Scope, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * const scope = new Scope();
 * const pictures = tf.zeros([1, 28, 28, 3]);
 * activationLayer(
 *   convLayer(pictures, { kernel: 5, inputChannels: 3, outputChannels: 16, stride: 2 }, scope),
 *   scope,
 * );
 * console.log([...scope.variables.keys()]); // ['conv1/weights', 'conv1/biases']
 * scope.dispose();
 * await engine.dispose();
 * ```
 */
export class Scope implements Builder {
  /** Trained by their gradients. */
  readonly variables = new Map<string, tf.Variable>();
  /** Kept by layers as they see batches, e.g. moving averages; no gradient changes them. */
  readonly state = new Map<string, tf.Variable>();
  layers: LayerSummary[] = [];
  readonly seed: number;
  readonly #restored: Map<string, Float32Array>;
  #watch: LayerWatch | undefined;
  #training: TrainingPass | undefined;
  /** Which layer each tensor of this pass is the output of. */
  #madeBy = new WeakMap<Value, string>();

  /**
   * @param seed of the initial weights.
   * @param restored values by variable name, used instead of random initial ones.
   */
  constructor(seed = 1, restored = new Map<string, Float32Array>()) {
    this.seed = seed;
    this.#restored = restored;
  }

  /** Starts a forward pass: the layers are named from 1 again and find their variables by these names. */
  begin(watch?: LayerWatch, training?: TrainingPass): void {
    this.layers = [];
    this.#watch = watch;
    this.#training = training;
  }

  fail<A extends object>(layer: Layer<A>, attributes: A, reason: string): never {
    return failFor(nextName(layer, attributes, this.layers))(reason);
  }

  /** Plans a layer, makes its variables where they are not there yet, and computes it. */
  apply<A extends object>(
    layer: Layer<A>,
    inputs: Value[],
    attributes: A,
    name = nextName(layer, attributes, this.layers),
  ): tf.Tensor {
    const placed = {
      name,
      inputs: inputs.flatMap((input) => this.#madeBy.get(input) ?? []),
      inputShapes: inputs.map(({ shape }) => shape.slice(1)),
      attributes,
    };
    const planned = planLayer(layer, placed, failFor(name));
    this.makeVariables(planned);
    this.layers.push(planned.summary);
    return this.run(planned, inputs as tf.Tensor[]);
  }

  /**
   * The variables of a layer, from the restored values or with their initial ones.
   * @throws {UserError} where a restored value is of another size.
   */
  makeVariables({ summary: { name: layer }, plan: { variables = [], state = [] } }: PlannedLayer): void {
    for (const plan of variables) this.#make(this.variables, `${layer}/${plan.name}`, plan);
    for (const plan of state) this.#make(this.state, `${layer}/${plan.name}`, plan);
  }

  #make(among: Map<string, tf.Variable>, name: string, plan: VariablePlan): void {
    if (among.has(name)) return;
    const value = this.#restored.get(name);
    const { shape } = plan;
    if (value && value.length !== tf.util.sizeFromShape(shape))
      throw new UserError(
        `The stored ${name} has ${value.length} values; the network's has the shape [${shape}].`,
      );
    const made = value
      ? tf.tidy(() => tf.variable(tf.tensor(value, shape)))
      : createVariable(name, plan, this.seed);
    among.set(name, made);
    this.#restored.delete(name);
  }

  /** Computes a layer whose variables are there. @returns its output, or what the pass's watch put in its place. */
  run({ layer, summary }: Omit<PlannedLayer, 'plan'>, inputs: tf.Tensor[]): tf.Tensor {
    const { name, variables, state = [], attributes } = summary;
    const own: Record<string, tf.Tensor> = {};
    for (const { name: full } of variables) own[full.slice(name.length + 1)] = this.#variable(full);
    for (const { name: full } of state)
      own[full.slice(name.length + 1)] = this.state.get(full) as tf.Variable;
    const pass = { name, seed: this.seed, training: this.#training };
    const output = layer.forward(inputs, own, attributes, pass);
    const next = this.#watch?.(name, output) ?? output;
    this.#madeBy.set(next, name);
    return next;
  }

  #variable(name: string): tf.Tensor {
    const variable = this.variables.get(name) as tf.Variable;
    return this.#training?.variable?.(name, variable) ?? variable;
  }

  dispose(): void {
    for (const kept of [this.variables, this.state]) {
      for (const variable of kept.values()) variable.dispose();
      kept.clear();
    }
  }
}
