import type { tf } from '../../tensors/tf.ts';
import type { KernelContext } from './engine_memory.ts';

export type Inputs = Record<string, tf.TensorInfo | undefined>;

/** A kernel of ours, added to the backend or replacing the backend's own for the inputs that it accepts. */
export interface OwnKernel {
  name: string;
  /** Whether ours computes these inputs; otherwise the backend's own does. Absent: always. */
  accepts?(inputs: Inputs, attributes: tf.NamedAttrMap): boolean;
  run(context: KernelContext, inputs: Inputs, attributes: tf.NamedAttrMap): tf.TensorInfo | tf.TensorInfo[];
}
