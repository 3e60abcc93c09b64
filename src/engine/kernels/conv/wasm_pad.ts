import type { KernelContext } from '../../wasm/engine_memory.ts';
import { kernelNumbers } from '../../wasm/kernel_numbers.ts';

/** Sizes of pictures [batch, height, width, channels] and of the zeros that they are copied into. */
export interface Padding {
  batch: number;
  height: number;
  width: number;
  channels: number;
  toHeight: number;
  toWidth: number;
  toChannels: number;
  /** Where the first pixel goes. */
  top: number;
  left: number;
  /** Pixels from one to the next. */
  dilation: [number, number];
}

/** Floats that the padded pictures take; a little more, since kernels read four or eight at a time. */
export function paddedSize({ batch, toHeight, toWidth, toChannels }: Padding): number {
  return batch * toHeight * toWidth * toChannels + 8;
}

/** Copies pictures at the address `from` into zeros at `to`. */
export function pad({ threads }: KernelContext, from: number, to: number, padding: Padding): void {
  const { batch, height, width, channels, toHeight, toWidth, toChannels, top, left, dilation } = padding;
  threads.run(kernelNumbers.pad, batch * toHeight, (chunks) => [
    from,
    to,
    chunks,
    batch,
    height,
    width,
    channels,
    toHeight,
    toWidth,
    toChannels,
    top,
    left,
    ...dilation,
  ]);
}
