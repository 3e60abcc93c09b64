import type { Tensor } from '../../tensors/tensors.ts';
import type { Padding, Window } from '../windows.ts';
import type { Reading } from './layer_format.ts';

export function required({ builder, layer, weight }: Reading, name: string): Tensor {
  return weight(name) ?? builder.fail(layer.name, `has no ${name}`);
}

/** Refuses a setting with another value than these; one that is absent is at its default. */
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

export function expectChannelsLast(reading: Reading): void {
  expect(reading, { data_format: ['channels_last', null] });
}

/** Refuses any axis but the last, however it is counted. @param rank without the batch. */
export function expectLastAxis(reading: Reading, rank: number): void {
  expect(reading, { axis: [-1, rank, [-1], [rank]] });
}

/** One value for both axes, or one for each. */
export const twoOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value, value]);
export const pairOf = (value: unknown): number[] => twoOf(value).map(Number);

/** The window of a convolution. @param kernel [height, width] */
export function windowOf(reading: Reading, kernel: number[], strides: unknown): Window {
  expectChannelsLast(reading);
  expect(reading, { padding: ['valid', 'same'], dilation_rate: [[1, 1], 1] });
  const padding = (reading.layer.config.padding ?? 'valid') as Padding;
  return { kernel, strides: pairOf(strides), padding };
}
