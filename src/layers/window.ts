import { checkSizes, type Maps } from './checks.ts';
import type { Fail } from './layer.ts';

/**
 * 'same': one output per stride, with zeros around the maps (in pooling, padding is ignored); 'valid': only windows that lie
 * completely within the maps.
 */
export type Padding = 'same' | 'valid';

export interface Window {
  /** Height and width of the window, pixels. */
  kernel: number;
  /** Distance between two windows, pixels. */
  stride: number;
  padding: Padding;
}

/**
 * Height and width of the output of windows over maps: ceil(length / stride) for 'same',
 * floor((length - kernel) / stride) + 1 for 'valid'.
 */
export function windowsOver([height, width]: Maps, window: Window, fail: Fail): [number, number] {
  const { kernel, stride, padding } = window;
  checkSizes({ kernel, stride }, fail);
  if (padding === 'valid' && Math.min(height, width) < kernel)
    fail(
      `has a kernel of ${kernel}, larger than its input of ${height} x ${width}; use padding 'same', or fewer pooling layers before`,
    );
  return [windowsAlong(height, window), windowsAlong(width, window)];
}

/**
 * Number of windows along an axis.
 * @param length of the axis, pixels.
 * @example
 * ```ts
 * import { windowsAlong } from 'bat-sup';
 *
 * console.log(windowsAlong(28, { kernel: 5, stride: 2, padding: 'same' })); // 14
 * console.log(windowsAlong(28, { kernel: 5, stride: 2, padding: 'valid' })); // 12
 * ```
 */
export function windowsAlong(length: number, { kernel, stride, padding }: Window): number {
  return padding === 'same' ? Math.ceil(length / stride) : Math.floor((length - kernel) / stride) + 1;
}

/**
 * Pixels of padding before and after an axis for 'same', which is TensorFlow's SAME: one output per stride, the padding as
 * even as possible, an odd pixel after.
 * @param length of the axis, pixels.
 * @example
 * ```ts
 * import { samePadding } from 'bat-sup';
 *
 * console.log(samePadding(28, { kernel: 3, stride: 2 })); // { before: 0, after: 1 }
 * ```
 */
export function samePadding(
  length: number,
  { kernel, stride }: Pick<Window, 'kernel' | 'stride'>,
): { before: number; after: number } {
  const total = Math.max((Math.ceil(length / stride) - 1) * stride + kernel - length, 0);
  const before = Math.floor(total / 2);
  return { before, after: total - before };
}
