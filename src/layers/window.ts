import { checkSizes, type Maps } from './checks.ts';
import type { Fail } from './layer.ts';

/**
 * 'same': one output per stride, with zeros around the maps (in pooling, padding is ignored); 'valid': only windows that lie
 * completely within the maps.
 */
export type Padding = 'same' | 'valid';

/** A length on both axes, or one on each. */
export type Size2D = number | [height: number, width: number];

export interface Window {
  /** Height and width of the window, pixels: one number for both, or [height, width]. */
  kernel: Size2D;
  /** Distance between two windows, pixels: one number for both axes, or [down, across]. */
  stride: Size2D;
  padding: Padding;
}

/** A window along one axis. */
export interface AxisWindow {
  /** Length of the window, pixels. */
  kernel: number;
  /** Distance between two windows, pixels. */
  stride: number;
  padding: Padding;
}

/**
 * A size on both axes, [height, width].
 * @example
 * ```ts
 * import { heightAndWidth } from 'bat-sup';
 *
 * console.log(heightAndWidth(3), heightAndWidth([1, 7])); // [3, 3] [1, 7]
 * ```
 */
export function heightAndWidth(size: Size2D): [height: number, width: number] {
  return typeof size === 'number' ? [size, size] : size;
}

/** The shortest form: one number where both are the same. */
export function shortest(size: Size2D): Size2D {
  const [height, width] = heightAndWidth(size);
  return height === width ? height : [height, width];
}

/** The sizes of a window in their shortest form, as manifests hold them. */
export function shortestSizes({ kernel, stride }: Pick<Window, 'kernel' | 'stride'>) {
  return { kernel: shortest(kernel), stride: shortest(stride) };
}

/**
 * A window along the height, and along the width.
 * @example
 * ```ts
 * import { axesOf } from 'bat-sup';
 *
 * const [down, across] = axesOf({ kernel: [1, 7], stride: 2, padding: 'same' });
 * console.log(down.kernel, across.kernel); // 1 7
 * ```
 */
export function axesOf({ kernel, stride, padding }: Window): [height: AxisWindow, width: AxisWindow] {
  const [kernels, strides] = [heightAndWidth(kernel), heightAndWidth(stride)];
  return [
    { kernel: kernels[0], stride: strides[0], padding },
    { kernel: kernels[1], stride: strides[1], padding },
  ];
}

/** Refuses kernels and strides that are not whole numbers of at least 1, or two of them. */
function checkSizes2D(sizes: Record<string, unknown>, fail: Fail): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (Array.isArray(size) && size.length !== 2)
      fail(`needs ${name} to be one number, or [height, width], not [${size}]`);
    for (const one of [size].flat()) checkSizes({ [name]: one as number }, fail);
  }
}

/**
 * Height and width of the output of windows over maps: ceil(length / stride) for 'same',
 * floor((length - kernel) / stride) + 1 for 'valid'.
 */
export function windowsOver([height, width]: Maps, window: Window, fail: Fail): [number, number] {
  const { kernel, stride, padding } = window;
  checkSizes2D({ kernel, stride }, fail);
  const [down, across] = axesOf(window);
  if (padding === 'valid' && (height < down.kernel || width < across.kernel))
    fail(
      `has a kernel of ${[kernel].flat().join(' x ')}, larger than its input of ${height} x ${width}; use padding 'same', or fewer pooling layers before`,
    );
  return [windowsAlong(height, down), windowsAlong(width, across)];
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
export function windowsAlong(length: number, { kernel, stride, padding }: AxisWindow): number {
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
  { kernel, stride }: Pick<AxisWindow, 'kernel' | 'stride'>,
): { before: number; after: number } {
  const total = Math.max((Math.ceil(length / stride) - 1) * stride + kernel - length, 0);
  const before = Math.floor(total / 2);
  return { before, after: total - before };
}
