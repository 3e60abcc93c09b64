import type { tf } from '../../../tensors/tf.ts';
import { addressOf, runKernel, withScratch } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { isMostlyZero, pooledFilterGradient } from '../pooled_conv/wasm.ts';
import {
  type ConvInfo,
  convInfoOf,
  inputPadding,
  isPlainConvolution,
  longRows,
  roundUp,
} from './wasm_convolve.ts';
import { isUnpadded, type Padding, pad, paddedSize } from './wasm_pad.ts';

/** The kernel works on four neighbouring inputs and eight outputs at a time. */
const rowsPerUnit = 4;
const outputsPerUnit = 8;

/** The pixels of a 1x1 convolution in longer rows, so that the kernel's sums stay in registers for longer. */
function inLongRows(info: ConvInfo): ConvInfo {
  const { filterHeight, filterWidth, strideHeight, strideWidth, batchSize, inHeight, inWidth } = info;
  if (filterHeight * filterWidth * strideHeight * strideWidth !== 1) return info;
  const [height, width] = longRows(batchSize * inHeight, inWidth);
  return { ...info, batchSize: 1, inHeight: height, inWidth: width, outHeight: height, outWidth: width };
}

export const conv2dBackpropFilter: OwnKernel = {
  name: 'Conv2DBackpropFilter',
  accepts: (_, attributes) => isPlainConvolution(attributes),
  run(context, inputs, attributes) {
    const { x, dy } = inputs as Record<'x' | 'dy', tf.TensorInfo>;
    const ofPictures = convInfoOf(x.shape, attributes.filterShape as number[], attributes);
    const gradient = context.backend.makeOutput(attributes.filterShape as number[], 'float32');
    if (isMostlyZero(context, dy)) {
      pooledFilterGradient(context, { x, dy, gradient }, ofPictures);
      return gradient;
    }
    const info = inLongRows(ofPictures);
    const padding = inputPadding(info);
    const dyChannels = roundUp(info.outChannels);
    const dyPadding: Padding = {
      batch: info.batchSize,
      height: info.outHeight,
      width: info.outWidth,
      channels: info.outChannels,
      toHeight: info.outHeight,
      toWidth: info.outWidth,
      toChannels: dyChannels,
      top: 0,
      left: 0,
      dilation: [1, 1],
    };
    const needsCopy = !isUnpadded(padding);
    const needsBlocks = dyChannels !== info.outChannels;
    const groups = Math.ceil((info.filterWidth * info.inChannels) / rowsPerUnit);
    const units = info.filterHeight * groups * (dyChannels / outputsPerUnit);
    const scratch = {
      padded: needsCopy ? paddedSize(padding) : 0,
      dyInBlocks: needsBlocks ? paddedSize(dyPadding) : 0,
      sums: units * rowsPerUnit * outputsPerUnit,
    };
    withScratch(context, scratch, ({ padded, dyInBlocks, sums }) => {
      if (needsCopy) pad(context, addressOf(context, x), padded, padding);
      if (needsBlocks) pad(context, addressOf(context, dy), dyInBlocks, dyPadding);
      runKernel(context, 'convolveFilterGradient', units, {
        input: needsCopy ? padded : x,
        dy: needsBlocks ? dyInBlocks : dy,
        gradient,
        sums,
        batch: info.batchSize,
        inHeight: padding.toHeight,
        inWidth: padding.toWidth,
        inputs: info.inChannels,
        height: info.outHeight,
        width: info.outWidth,
        outputs: info.outChannels,
        dyChannels,
        kernelHeight: info.filterHeight,
        kernelWidth: info.filterWidth,
        strideHeight: info.strideHeight,
        strideWidth: info.strideWidth,
      });
    });
    return gradient;
  },
};
