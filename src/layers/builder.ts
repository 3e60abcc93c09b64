import type { Layer } from './layer.ts';

/**
 * What an architecture's layers are given and return: a tensor where it is computed, or only its shape where it is planned.
 * The first axis is the batch.
 */
export interface Value {
  readonly shape: number[];
}

/** What layers are put on: a Scope computes them at once, a NetworkPlan only notes them down. */
export interface Builder {
  /**
   * @param name where it is not to be the next of its kind, e.g. 'logits'.
   * @throws {UserError} naming the layer, where the shapes do not fit.
   */
  apply<A extends object>(layer: Layer<A>, inputs: Value[], attributes: A, name?: string): Value;
  /** Stops with an error that names the layer about to be applied. */
  fail<A extends object>(layer: Layer<A>, attributes: A, reason: string): never;
}
