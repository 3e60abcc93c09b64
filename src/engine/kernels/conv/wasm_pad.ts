import { type KernelContext, runKernel } from '../../wasm/engine_memory.ts';

/** Sizes of pictures [batch, height, width, channels] and of the zeros that they are copied into. */
export interface Padding {
  batch: number;
  height: number;
  width: number;
  channels: number;
  toHeight: number;
  toWidth: number;
  toChannels: number;
  /** Position of the first pixel. */
  top: number;
  left: number;
  /** Distance between neighbouring pixels, in pixels. */
  dilation: [number, number];
}

/** Number of floats to allocate for the padded pictures: kernels may read up to 8 floats beyond the end. */
export function paddedSize({ batch, toHeight, toWidth, toChannels }: Padding): number {
  return batch * toHeight * toWidth * toChannels + 8;
}

/** Whether the padded pictures are the pictures themselves, so that they need no copy. */
export function isUnpadded({
  height,
  width,
  channels,
  toHeight,
  toWidth,
  toChannels,
  dilation,
}: Padding): boolean {
  const isSame = toHeight === height && toWidth === width && toChannels === channels;
  return isSame && dilation.every((distance) => distance === 1);
}

/** Copies pictures at the address `from` into zeros at `to`. */
export function pad(context: KernelContext, from: number, to: number, padding: Padding): void {
  const { dilation, ...sizes } = padding;
  const [dilationHeight, dilationWidth] = dilation;
  const rows = padding.batch * padding.toHeight;
  runKernel(context, 'pad', rows, { from, to, ...sizes, dilationHeight, dilationWidth });
}
