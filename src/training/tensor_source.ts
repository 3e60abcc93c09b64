import type { NamedTensor } from '../tensors/tensors.ts';
import type { tf } from '../tensors/tf.ts';

/** A tensor that the engine holds; `read` copies its current values out. */
export interface TensorSource extends Omit<NamedTensor, 'values'> {
  read(): Float32Array;
}

export function tensorSource(name: string, variable: tf.Variable): TensorSource {
  return { name, shape: variable.shape, read: () => variable.dataSync() as Float32Array };
}

export function tensorSources(variables: ReadonlyMap<string, tf.Variable>): TensorSource[] {
  return [...variables].map(([name, variable]) => tensorSource(name, variable));
}
