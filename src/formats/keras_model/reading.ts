import type { Tensor } from '../../tensors/tensors.ts';
import type { Padding, Window } from '../windows.ts';
import type { Reading } from './layer_format.ts';

/** A weight that the layer must have. */
export function required({ builder, layer, weight }: Reading, name: string): Tensor {
  return weight(name) ?? builder.fail(layer.name, `has no ${name}`);
}

/** Refuses settings whose values are not among the allowed ones; an absent setting has its default. */
export function expect({ builder, layer }: Reading, settings: Record<string, unknown[]>): void {
  for (const [name, allowed] of Object.entries(settings)) {
    const value = layer.config[name];
    if (value === undefined || allowed.some((one) => JSON.stringify(one) === JSON.stringify(value))) continue;
    builder.fail(
      layer.name,
      `(${layer.className}) has ${name} ${JSON.stringify(value)}, which bat-sup does not have`,
    );
  }
}

/** Refuses a layer whose channels are not the last axis. */
export function expectChannelsLast(reading: Reading): void {
  expect(reading, { data_format: ['channels_last', null] });
}

/** Refuses any axis but the last, counted from either end. @param rank without the batch. */
export function expectLastAxis(reading: Reading, rank: number): void {
  expect(reading, { axis: [-1, rank, [-1], [rank]] });
}

/** The numbers of a possibly nested list, e.g. [[[0.5, 0.4, 0.3]]]. */
export const listOf = (value: unknown): number[] => [value].flat(8).map(Number);

/** A setting that is one value for both axes, or a list of one for each. */
export const twoOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value, value]);
export const pairOf = (value: unknown): number[] => twoOf(value).map(Number);

/** The window of a convolution or pooling. @param kernel [height, width] */
export function windowOf(reading: Reading, kernel: number[], strides: unknown): Window {
  expectChannelsLast(reading);
  expect(reading, { padding: ['valid', 'same'], dilation_rate: [[1, 1], 1] });
  const padding = (reading.layer.config.padding ?? 'valid') as Padding;
  return { kernel, strides: pairOf(strides), padding };
}

/** The weights of a class that has a bias unless `use_bias` is false. @param kernel Keras's name for its other weight. */
export const withBias =
  (kernel: string) =>
  ({ use_bias: hasBias }: Record<string, unknown>): string[] =>
    hasBias === false ? [kernel] : [kernel, 'bias'];
