import {
  type Padding as OwnPadding,
  type Window as OwnWindow,
  samePadding,
  windowsAlong,
} from '../layers/window.ts';
import { zeroPadding } from '../layers/zero_padding/layer.ts';
import type { NetworkBuilder, Value } from './network_builder.ts';

/** Pixels added [top, left, bottom, right], or how they follow from the sizes. */
export type Padding = OwnPadding | [number, number, number, number];

/** A kernel or pooling window as files have it, [height, width] each. */
export interface Window {
  kernel: number[];
  strides: number[];
  padding: Padding;
}

/**
 * A file's window as a layer of bat-sup has it; where the padding is neither 'same' nor 'valid', with zero padding before it,
 * which is added.
 * @throws {UserError} where it is not square, or some windows would lie on padding alone.
 */
export function placeWindow(
  builder: NetworkBuilder,
  input: Value,
  { kernel, strides, padding }: Window,
  where: string,
): { input: Value; window: OwnWindow } {
  const [size, stride] = [kernel[0], strides[0]] as [number, number];
  if (kernel.length !== 2 || kernel[1] !== size)
    builder.fail(where, `has a kernel of ${kernel.join(' x ')}, not square`);
  if (strides.length !== 2 || strides[1] !== stride)
    builder.fail(where, `has strides of ${strides.join(' x ')}`);
  if (input.shape.length !== 3) builder.fail(where, `takes feature maps, its input is [${input.shape}]`);
  if (![size, stride].every((length) => Number.isInteger(length) && length > 0))
    builder.fail(where, `has a kernel of ${size} and a stride of ${stride}`);
  const known = ownPadding(padding, { lengths: input.shape.slice(0, 2), size, stride });
  const window = { kernel: size, stride, padding: known ?? 'valid' };
  if (known) return { input, window };
  const [top, left, bottom, right] = padding as [number, number, number, number];
  const padded = builder.add(zeroPadding, [input], { top, left, bottom, right }, {}, where);
  const isOnPadding = (axis: number) =>
    (windowsAlong(padded.shape[axis] as number, window) - 1) * stride >=
    (input.shape[axis] as number) + Number(padding[axis]);
  if (isOnPadding(0) || isOnPadding(1)) builder.fail(where, 'has windows on padding alone');
  return { input: padded, window };
}

/** Which of our own paddings places the windows in the same way on both axes; what no window reaches does not matter. */
function ownPadding(
  padding: Padding,
  { lengths, size, stride }: { lengths: number[]; size: number; stride: number },
): OwnPadding | undefined {
  if (padding === 'same') return padding;
  const pads = padding === 'valid' ? [0, 0, 0, 0] : padding;
  const isPlacedLike = (own: OwnPadding) =>
    lengths.every((length, axis) => {
      const [before, after] = [pads[axis] as number, pads[axis + 2] as number];
      const windows = Math.floor((length + before + after - size) / stride) + 1;
      const wanted = own === 'same' ? samePadding(length, { kernel: size, stride }).before : 0;
      return before === wanted && windows === windowsAlong(length, { kernel: size, stride, padding: own });
    });
  return (['same', 'valid'] as const).find(isPlacedLike);
}
