import type { tf } from '../../tensors/tf.ts';
import type { NodeBackend } from './backend.ts';

export type Inputs = Record<string, tf.TensorInfo>;

/** A kernel of ours, added to the backend or replacing the backend's own. */
export interface OwnKernel {
  name: string;
  /** 'cpu': not on a GPU. 'operations': only where TensorFlow has our own operations as well, which run on the CPU. */
  needs?: 'operations' | 'cpu';
  /** @returns undefined to leave the call to the backend's own kernel of this name. */
  run(
    backend: NodeBackend,
    inputs: Inputs,
    attributes: tf.NamedAttrMap,
  ): tf.TensorInfo | tf.TensorInfo[] | undefined;
}
