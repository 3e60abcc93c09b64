import type { tf } from '../../tensors/tf.ts';
import type { NodeBackend } from './backend.ts';

export type Inputs = Record<string, tf.TensorInfo>;

/** A kernel of ours, added to the backend or in place of its own. */
export interface OwnKernel {
  name: string;
  /** 'operations': only where TensorFlow has the operations in ../operations/, which are for the CPU, as 'cpu' is. */
  needs?: 'operations' | 'cpu';
  /** @returns undefined where the backend's own kernel of this name is to compute. */
  run(
    backend: NodeBackend,
    inputs: Inputs,
    attributes: tf.NamedAttrMap,
  ): tf.TensorInfo | tf.TensorInfo[] | undefined;
}
