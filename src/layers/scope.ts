import { UserError } from '../errors.ts';
import { tf } from '../tensors/tf.ts';
import type { Builder, Value } from './builder.ts';
import { createVariable } from './initial_values.ts';
import type { Layer, LayerSummary, PlannedLayer, TrainingPass, VariablePlan } from './layer.ts';
import { NetworkPlan } from './network_plan.ts';

/** What stays as it is in training. */
export interface Freezing {
  /** Names of layers that do not learn; they are computed as in inference. */
  frozen?: ReadonlySet<string>;
  /** Batch normalisation uses its moving statistics in training mode too, and does not update them; default false. */
  frozenStatistics?: boolean;
}

/** Called with each layer's output during a forward pass; may return another tensor, which the next layers read instead. */
export type LayerWatch = (name: string, output: tf.Tensor) => tf.Tensor | undefined;

/**
 * Computes layers at once and keeps their variables from one forward pass to the next. A layer function called without a
 * scope gets a new one, and so new variables.
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
 *   { function: 'relu' },
 *   scope,
 * );
 * console.log([...scope.variables.keys()]); // ['conv1/weights', 'conv1/biases']
 * scope.dispose();
 * await engine.dispose();
 * ```
 */
export class Scope implements Builder {
  /** Trained by gradient descent; by name, e.g. 'conv1/weights'. */
  readonly variables = new Map<string, tf.Variable>();
  /** Updated by layers in training mode, not by gradients, e.g. moving averages. */
  readonly state = new Map<string, tf.Variable>();
  /** Saved with the others, but never changed: the variables and state of frozen layers. */
  readonly frozen = new Map<string, tf.Variable>();
  readonly seed: number;
  readonly #restored: Map<string, Float32Array>;
  readonly #frozenLayers: ReadonlySet<string>;
  readonly #frozenStatistics: boolean;
  #watch: LayerWatch | undefined;
  #training: TrainingPass | undefined;
  /** The layers applied since the last `begin`. */
  #plan = new NetworkPlan();

  /**
   * @param seed of the initial weights.
   * @param restored values by variable name, used instead of random initial ones.
   */
  constructor(
    seed = 1,
    restored = new Map<string, Float32Array>(),
    { frozen = new Set(), frozenStatistics = false }: Freezing = {},
  ) {
    this.seed = seed;
    this.#restored = restored;
    this.#frozenLayers = frozen;
    this.#frozenStatistics = frozenStatistics;
  }

  /** The layers applied since the last `begin`. */
  get layers(): LayerSummary[] {
    return this.#plan.layers;
  }

  /** Starts a forward pass: layers are numbered from 1 again, and find their variables by these names. */
  begin(watch?: LayerWatch, training?: TrainingPass): void {
    this.#plan = new NetworkPlan();
    this.#watch = watch;
    this.#training = training;
  }

  fail<A extends object>(layer: Layer<A>, attributes: A, reason: string): never {
    return this.#plan.fail(layer, attributes, reason);
  }

  /** Plans a layer, creates its variables if they do not exist yet, and computes it. */
  apply<A extends object>(layer: Layer<A>, inputs: Value[], attributes: A, name?: string): tf.Tensor {
    const planned = this.#plan.place(layer, inputs, attributes, name);
    this.makeVariables(planned);
    const output = this.run(planned, inputs as tf.Tensor[]);
    this.#plan.setOutput(planned.summary.name, output);
    return output;
  }

  /**
   * Creates the variables of a layer, with restored or initial values, if they do not exist yet.
   * @throws {UserError} where a restored value has another size.
   */
  makeVariables({ summary: { name: layer }, plan: { variables = [], state = [] } }: PlannedLayer): void {
    const isFrozen = this.#frozenLayers.has(layer);
    for (const plan of variables)
      this.#make(isFrozen ? this.frozen : this.variables, `${layer}/${plan.name}`, plan);
    const keepsState = isFrozen || this.#frozenStatistics;
    for (const plan of state)
      this.#make(keepsState ? this.frozen : this.state, `${layer}/${plan.name}`, plan);
  }

  #make(variables: Map<string, tf.Variable>, name: string, plan: VariablePlan): void {
    if (variables.has(name)) return;
    const value = this.#restored.get(name);
    const { shape } = plan;
    if (value && value.length !== tf.util.sizeFromShape(shape))
      throw new UserError(
        `The stored ${name} has ${value.length} values, but the network needs the shape [${shape}].`,
      );
    // A copy: TensorFlow keeps the array that a tensor is made of, and updates of Adam change it in place.
    const made = value
      ? tf.tidy(() => tf.variable(tf.tensor(value.slice(), shape)))
      : createVariable(name, plan, this.seed);
    variables.set(name, made);
    this.#restored.delete(name);
  }

  /** Computes a layer whose variables exist. @returns its output, or the tensor that an observer returned instead. */
  run(layer: Omit<PlannedLayer, 'plan'>, inputs: tf.Tensor[]): tf.Tensor {
    return this.watched(layer.summary.name, this.#compute(layer, inputs));
  }

  /** Computes a layer for the pass's watch alone. @returns as {@link run} does. */
  show(layer: Omit<PlannedLayer, 'plan'>, inputs: tf.Tensor[]): tf.Tensor {
    const output = this.#compute(layer, inputs);
    return this.#watch?.(layer.summary.name, output) ?? output;
  }

  #compute({ layer, summary }: Omit<PlannedLayer, 'plan'>, inputs: tf.Tensor[]): tf.Tensor {
    const { name, attributes } = summary;
    const training = this.#frozenLayers.has(name) ? undefined : this.#training;
    const pass = { name, seed: this.seed, training, frozenStatistics: this.#frozenStatistics };
    return layer.forward(inputs, this.tensorsOf(summary), attributes, pass);
  }

  /** Whether someone observes the layers of this pass. */
  get isWatched(): boolean {
    return this.#watch !== undefined;
  }

  /** Shows a layer's output to those who observe the pass. @returns it, or the tensor that one of them returned instead. */
  watched(name: string, output: tf.Tensor): tf.Tensor {
    const shown = this.#watch?.(name, output) ?? output;
    return this.#training?.output?.(name, shown) ?? shown;
  }

  /** A layer's variables and state, by their names within the layer, as this pass uses them. */
  tensorsOf({ name, variables, state = [] }: LayerSummary): Record<string, tf.Tensor> {
    const tensors: Record<string, tf.Tensor> = {};
    for (const { name: full } of variables) tensors[full.slice(name.length + 1)] = this.#variable(full);
    for (const { name: full } of state)
      tensors[full.slice(name.length + 1)] = (this.state.get(full) ?? this.frozen.get(full)) as tf.Variable;
    return tensors;
  }

  #variable(name: string): tf.Tensor {
    const frozen = this.frozen.get(name);
    if (frozen) return frozen;
    const variable = this.variables.get(name) as tf.Variable;
    return this.#training?.variable?.(name, variable) ?? variable;
  }

  dispose(): void {
    for (const variables of [this.variables, this.state, this.frozen]) {
      for (const variable of variables.values()) variable.dispose();
      variables.clear();
    }
  }
}
