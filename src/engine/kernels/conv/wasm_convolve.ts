import { tf } from '../../../tensors/tf.ts';
import { addressOf, type KernelContext, runKernel, withScratch } from '../../wasm/engine_memory.ts';
import { isUnpadded, type Padding, pad, paddedSize } from './wasm_pad.ts';

export type ConvInfo = tf.backend_util.Conv2DInfo;

const block = 8;

export function roundUp(channels: number): number {
  return Math.ceil(channels / block) * block;
}

/** Sizes of a convolution of 2-D pictures, [batch, height, width, channels]; pad 'same', 'valid' or a number. */
export function convInfoOf(
  inputShape: number[],
  filterShape: number[],
  attributes: tf.NamedAttrMap,
): ConvInfo {
  const { strides, pad, dimRoundingMode } = attributes as {
    strides: number;
    pad: 'same';
    dimRoundingMode: 'floor';
  };
  type Shape4D = [number, number, number, number];
  return tf.backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
}

/** Whether our kernels can compute a convolution: not dilated, channels last. */
export function isPlainConvolution({ dilations = 1, dataFormat = 'NHWC' }: tf.NamedAttrMap): boolean {
  const undilated = [dilations].flat().every((dilation) => dilation === 1);
  return undilated && (dataFormat === 'NHWC' || dataFormat === 'channelsLast');
}

/** The input as the convolution reads it: with zeros around it, and without the pixels that no kernel reaches. */
export function inputPadding(info: ConvInfo): Padding {
  return {
    batch: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    toHeight: (info.outHeight - 1) * info.strideHeight + info.filterHeight,
    toWidth: (info.outWidth - 1) * info.strideWidth + info.filterWidth,
    toChannels: info.inChannels,
    top: info.padInfo.top,
    left: info.padInfo.left,
    dilation: [1, 1],
  };
}

/** dy as the gradient of the input reads it: spread out by the stride, with zeros around it. */
export function gradientPadding(info: ConvInfo): Padding {
  return {
    batch: info.batchSize,
    height: info.outHeight,
    width: info.outWidth,
    channels: info.outChannels,
    toHeight: info.inHeight + info.filterHeight - 1,
    toWidth: info.inWidth + info.filterWidth - 1,
    toChannels: info.outChannels,
    top: info.filterHeight - 1 - info.padInfo.top,
    left: info.filterWidth - 1 - info.padInfo.left,
    dilation: [info.strideHeight, info.strideWidth],
  };
}

interface Convolution {
  padding: Padding;
  filter: { height: number; width: number; outputs: number };
  stride: [height: number, width: number];
  /** Height and width. */
  output: [number, number];
  /** Writes the filter, packed, to an address. */
  packTo(address: number): void;
}

const maxRowPixels = 128;

/** Pixels in rows of up to 128, where which of them are neighbours does not matter. @returns rows and pixels per row. */
export function longRows(rows: number, width: number): [rows: number, width: number] {
  const joined = Array.from({ length: Math.floor(maxRowPixels / width) }, (_, index) => index + 1);
  const most = joined.filter((count) => rows % count === 0).at(-1) ?? 1;
  return [rows / most, width * most];
}

/** Pads, packs and convolves: input and bias (undefined: none) -> the output tensor's memory. */
export function convolve(
  context: KernelContext,
  input: tf.TensorInfo,
  bias: tf.TensorInfo | undefined,
  output: tf.TensorInfo,
  { padding, filter, stride, output: [height, width], packTo }: Convolution,
): void {
  const outputs = filter.outputs;
  const packedOutputs = roundUp(outputs);
  const needsCopy = !isUnpadded(padding);
  const scratch = {
    padded: needsCopy ? paddedSize(padding) : 0,
    packed: filter.height * filter.width * padding.channels * packedOutputs,
    paddedBias: packedOutputs,
  };
  withScratch(context, scratch, ({ padded, packed, paddedBias }) => {
    if (needsCopy) pad(context, addressOf(context, input), padded, padding);
    packTo(packed);
    if (bias) copyBias(context, bias, paddedBias, packedOutputs);
    const [strideHeight, strideWidth] = stride;
    const isPointwise = !needsCopy && filter.height * filter.width * strideHeight * strideWidth === 1;
    const [longHeight, longWidth] = longRows(padding.batch * height, width);
    const pixels = isPointwise
      ? { batch: 1, inHeight: longHeight, inWidth: longWidth, height: longHeight, width: longWidth }
      : { batch: padding.batch, inHeight: padding.toHeight, inWidth: padding.toWidth, height, width };
    runKernel(context, 'convolve', pixels.batch * pixels.height, {
      input: needsCopy ? padded : input,
      filter: packed,
      bias: bias && paddedBias,
      output,
      ...pixels,
      inputs: padding.channels,
      outputs,
      kernelHeight: filter.height,
      kernelWidth: filter.width,
      strideHeight,
      strideWidth,
    });
  });
}

function copyBias(context: KernelContext, bias: tf.TensorInfo, to: number, size: number): void {
  const { buffer } = context.backend.wasm.asm.memory;
  const target = new Float32Array(buffer, to, size);
  const values = new Float32Array(buffer, addressOf(context, bias), bias.shape.at(-1));
  if (values.length === 1) {
    target.fill(values[0] as number);
  } else {
    target.fill(0);
    target.set(values);
  }
}
