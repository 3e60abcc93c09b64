import { UserError } from '../errors.ts';
import { sizeOf } from '../tensors/shape.ts';
import type { Network } from './format.ts';

/**
 * The same network for pictures in RGB: the first layers' kernels read their channels the other way round.
 * @throws {UserError} where it reads BGR by a layer that is no convolution.
 */
export function readingRgb(network: Network): Network {
  const { order = 'rgb', ...preprocessing } = network.preprocessing;
  if (order === 'rgb' || network.model.channels === 1) return network;
  const weights = new Map(network.weights);
  const first = network.layers.filter(({ inputs }) => inputs.length === 0);
  const other = first.find(({ kind }) => kind !== 'conv');
  if (other)
    throw new UserError(
      `${other.name} reads BGR and is no convolution; export as tf-checkpoint or saved-model, which turn the colours.`,
    );
  for (const { name } of first) {
    const kernel = weights.get(`${name}/weights`);
    if (kernel) weights.set(kernel.name, { ...kernel, values: withInputsReversed(kernel) });
  }
  return { ...network, preprocessing: { ...preprocessing, order: 'rgb' }, weights };
}

/** @param kernel [height, width, 3, out] */
function withInputsReversed({ shape, values }: { shape: number[]; values: Float32Array }): Float32Array {
  const outputs = shape[3] as number;
  const reversed = new Float32Array(values.length);
  for (let row = 0; row < sizeOf(shape) / outputs; row++) {
    const channel = row % 3;
    const from = (row - channel + (2 - channel)) * outputs;
    reversed.set(values.subarray(from, from + outputs), row * outputs);
  }
  return reversed;
}
