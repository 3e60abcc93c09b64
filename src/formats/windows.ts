import {
  type Padding as OwnPadding,
  type Window as OwnWindow,
  samePadding,
  windowsAlong,
} from '../layers/window.ts';
import { zeroPadding } from '../layers/zero_padding/layer.ts';
import type { NetworkBuilder, Value } from './network_builder.ts';

/** Pixels of padding [top, left, bottom, right], or one of the rules that derive them from the sizes. */
export type Padding = OwnPadding | [number, number, number, number];

/** A convolution's or pooling's window as files describe it, [height, width] each. */
export interface Window {
  kernel: number[];
  strides: number[];
  padding: Padding;
}

/**
 * Translates a file's window into a window of bat-sup's. Where its padding equals neither 'same' nor 'valid', adds a layer of
 * zero padding before.
 * @returns the input for the layer with the window, and the window.
 * @throws {UserError} where the window is not square, or some windows would cover padding alone.
 */
export function placeWindow(
  builder: NetworkBuilder,
  input: Value,
  { kernel, strides, padding }: Window,
  where: string,
): { input: Value; window: OwnWindow } {
  const [size, stride] = [kernel[0], strides[0]] as [number, number];
  if (kernel.length !== 2 || kernel[1] !== size)
    builder.fail(where, `has a kernel of ${kernel.join(' x ')}; bat-sup's kernels are square`);
  if (strides.length !== 2 || strides[1] !== stride)
    builder.fail(where, `has strides of ${strides.join(' x ')}; bat-sup's strides are the same on both axes`);
  if (input.shape.length !== 3)
    builder.fail(where, `needs feature maps [height, width, channels], but its input is [${input.shape}]`);
  if (![size, stride].every((length) => Number.isInteger(length) && length > 0))
    builder.fail(where, `has a kernel of ${size} and a stride of ${stride}; both must be at least 1`);
  const equivalent = equivalentPadding(padding, { lengths: input.shape.slice(0, 2), size, stride });
  const window = { kernel: size, stride, padding: equivalent ?? 'valid' };
  if (equivalent) return { input, window };
  const [top, left, bottom, right] = padding as [number, number, number, number];
  const padded = builder.add(zeroPadding, [input], { top, left, bottom, right }, {}, where);
  const isOnPadding = (axis: number) =>
    (windowsAlong(padded.shape[axis] as number, window) - 1) * stride >=
    (input.shape[axis] as number) + Number(padding[axis]);
  if (isOnPadding(0) || isOnPadding(1)) builder.fail(where, 'has windows that cover padding alone');
  return { input: padded, window };
}

/** The rule that puts the windows at the same positions on both axes, if one does; padding beyond the last window is ignored. */
function equivalentPadding(
  padding: Padding,
  { lengths, size, stride }: { lengths: number[]; size: number; stride: number },
): OwnPadding | undefined {
  if (padding === 'same') return padding;
  const pads = padding === 'valid' ? [0, 0, 0, 0] : padding;
  const isEquivalent = (rule: OwnPadding) =>
    lengths.every((length, axis) => {
      const [before, after] = [pads[axis] as number, pads[axis + 2] as number];
      const windows = Math.floor((length + before + after - size) / stride) + 1;
      const wanted = rule === 'same' ? samePadding(length, { kernel: size, stride }).before : 0;
      return before === wanted && windows === windowsAlong(length, { kernel: size, stride, padding: rule });
    });
  return (['same', 'valid'] as const).find(isEquivalent);
}
