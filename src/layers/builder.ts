import type { Layer } from './layer.ts';

/** Input and output of layers: a tensor when the network is computed, only a shape when it is planned. */
export interface Value {
  /** The first axis is the batch. */
  readonly shape: number[];
}

/** What layers are applied through: a Scope computes them at once, a NetworkPlan only records them. */
export interface Builder {
  /**
   * Applies a layer to its inputs and returns its output.
   * @param name default: the next of its kind, e.g. 'conv2'.
   * @throws {UserError} naming the layer, where the shapes do not fit.
   */
  apply<A extends object>(layer: Layer<A>, inputs: Value[], attributes: A, name?: string): Value;
  /** @throws {UserError} that names the layer about to be applied. */
  fail<A extends object>(layer: Layer<A>, attributes: A, reason: string): never;
}
