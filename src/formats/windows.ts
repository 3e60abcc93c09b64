import {
  type AxisWindow,
  axesOf,
  type Padding as OwnPadding,
  type Window as OwnWindow,
  samePadding,
  shortestSizes,
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
 * @throws {UserError} where some windows would cover padding alone.
 */
export function placeWindow(
  builder: NetworkBuilder,
  input: Value,
  { kernel, strides, padding }: Window,
  where: string,
): { input: Value; window: OwnWindow } {
  if (kernel.length !== 2) builder.fail(where, `has a kernel of ${kernel.length} axes; bat-sup's have two`);
  if (strides.length !== 2) builder.fail(where, `has ${strides.length} strides; bat-sup's kernels have two`);
  if (input.shape.length !== 3)
    builder.fail(where, `needs feature maps [height, width, channels], but its input is [${input.shape}]`);
  if (![...kernel, ...strides].every((length) => Number.isInteger(length) && length > 0))
    builder.fail(
      where,
      `has a kernel of ${kernel.join(' x ')} and strides of ${strides.join(' x ')}; all must be at least 1`,
    );
  const sizes = shortestSizes({
    kernel: kernel as [number, number],
    stride: strides as [number, number],
  });
  const equivalent = equivalentPadding(padding, input.shape, sizes);
  const window = { ...sizes, padding: equivalent ?? 'valid' };
  if (equivalent) return { input, window };
  const [top, left, bottom, right] = padding as [number, number, number, number];
  const padded = builder.add(zeroPadding, [input], { top, left, bottom, right }, {}, where);
  const isOnPadding = ({ stride, ...own }: AxisWindow, axis: number) =>
    (windowsAlong(padded.shape[axis] as number, { stride, ...own }) - 1) * stride >=
    (input.shape[axis] as number) + Number(padding[axis]);
  if (axesOf(window).some(isOnPadding)) builder.fail(where, 'has windows that cover padding alone');
  return { input: padded, window };
}

/** The rule that puts the windows at the same positions on both axes, if one does; padding beyond the last window is ignored. */
export function equivalentPadding(
  padding: Padding,
  lengths: number[],
  sizes: Omit<OwnWindow, 'padding'>,
): OwnPadding | undefined {
  if (padding === 'same') return padding;
  const pads = padding === 'valid' ? [0, 0, 0, 0] : padding;
  const isEquivalent = (rule: OwnPadding) =>
    axesOf({ ...sizes, padding: rule }).every((window, axis) => {
      const length = lengths[axis] as number;
      const [before, after] = [pads[axis] as number, pads[axis + 2] as number];
      const windows = Math.floor((length + before + after - window.kernel) / window.stride) + 1;
      const wanted = rule === 'same' ? samePadding(length, window).before : 0;
      return before === wanted && windows === windowsAlong(length, window);
    });
  return (['same', 'valid'] as const).find(isEquivalent);
}
