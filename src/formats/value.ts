import type { Layer } from '../layers/layer.ts';
import type { Tensor } from '../tensors/tensors.ts';

/** The output of a layer of a network under construction, or the pictures. */
export interface Value {
  /** The layer whose output it is; undefined: the pictures. */
  layer: string | undefined;
  /** Without the batch: [height, width, channels] or [features]. */
  shape: number[];
  /** The maps [height, width, channels] that were flattened channel by channel into these features. */
  chwOf?: number[];
  /** Features that the file has as maps [1, 1, features]; only a product with other maps can read them so. */
  asMaps?: true;
  /** No element is below 0. */
  isNonNegative?: boolean;
  /** The output of a softmax, which bat-sup keeps outside of the network; nothing can follow it. */
  isSoftmax?: true;
}

/** What layers are added to; see NetworkBuilder. */
export interface LayerTarget {
  /** Adds a layer with its tensors. */
  add<A extends object>(
    layer: Layer<A>,
    inputs: Value[],
    attributes: A,
    tensors: Record<string, Tensor | undefined>,
    where: string,
  ): Value;
  /** @throws {UserError} saying what is wrong, and where in the file. */
  fail(where: string, reason: string): never;
}
