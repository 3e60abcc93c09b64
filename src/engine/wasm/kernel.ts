import type { tf } from '../../tensors/tf.ts';
import type { KernelContext } from './engine_memory.ts';

export type Inputs = Record<string, tf.TensorInfo | undefined>;

/** A kernel of ours: added to the backend, or in place of its own for the inputs that it accepts. */
export interface OwnKernel {
  name: string;
  /** Whether ours computes these; else the backend's own does. Absent: always. */
  accepts?(inputs: Inputs, attributes: tf.NamedAttrMap): boolean;
  run(context: KernelContext, inputs: Inputs, attributes: tf.NamedAttrMap): tf.TensorInfo | tf.TensorInfo[];
}
