import { sizeOf } from '../../../tensors/shape.ts';
import type { tf } from '../../../tensors/tf.ts';
import {
  addressOf,
  type KernelContext,
  runInChunks,
  runKernel,
  withScratch,
} from '../../wasm/engine_memory.ts';
import { type ConvInfo, inputPadding } from '../conv/wasm_convolve.ts';
import { isUnpadded, pad, paddedSize } from '../conv/wasm_pad.ts';

/**
 * The gradients of a convolution of whose dy most is zero, as that of max-pooling is. They are summed over what is not
 * zero alone, which leaves out products that are zero.
 */

/** From this share of numbers in dy on that are not zero, the gradients from all of it are as fast. */
const maxShare = 0.4;

/** The batch is summed in so many portions, or fewer where filters are large (numbers in all portions), whatever the threads. */
const maxPortions = 4;
const maxSums = 1 << 22;

/** Vectors of four numbers in a run of the filter. */
const vectorsOf = (info: ConvInfo) => Math.ceil((info.filterWidth * info.inChannels) / 4);

/** Floats of one chunk's lists. */
const listsOf = (info: ConvInfo) => 4 * 2 * (info.outHeight * info.outWidth + 1) + 4;

/** By data id: both gradients of a convolution ask about the same dy. */
const known = new WeakMap<object, boolean>();

export function isMostlyZero(context: KernelContext, dy: tf.TensorInfo): boolean {
  const before = known.get(dy.dataId);
  if (before !== undefined) return before;
  const size = sizeOf(dy.shape);
  const isSo = countNonzeros(context, dy, size) < maxShare * size;
  known.set(dy.dataId, isSo);
  return isSo;
}

function countNonzeros(context: KernelContext, dy: tf.TensorInfo, size: number): number {
  const chunks = context.threads.chunksFor(Math.ceil(size / 4096));
  return withScratch(context, { counts: chunks }, ({ counts }) => {
    runInChunks(context, 'countNonzeros', chunks, { x: dy, counts, size });
    const { buffer } = context.backend.wasm.asm.memory;
    return new Int32Array(buffer, counts, chunks).reduce((sum, count) => sum + count, 0);
  });
}

/** x, dy -> gradient, the filter's. */
export function pooledFilterGradient(
  context: KernelContext,
  { x, dy, gradient }: Record<'x' | 'dy' | 'gradient', tf.TensorInfo>,
  info: ConvInfo,
): void {
  const padding = inputPadding(info);
  const vectors = vectorsOf(info);
  const run = info.filterWidth * info.inChannels;
  // The last vector of a run may reach beyond the pictures.
  const needsCopy = !isUnpadded(padding) || run % 4 !== 0;
  const groups = Math.ceil(info.outChannels / 4);
  const filter = 4 * groups * info.filterHeight * vectors * 4;
  const portions = Math.max(1, Math.min(maxPortions, info.batchSize, Math.floor(maxSums / filter)));
  const chunks = context.threads.chunksFor(groups * portions);
  const scratch = {
    padded: needsCopy ? paddedSize(padding) : 0,
    sums: portions * filter,
    lists: chunks * listsOf(info),
  };
  withScratch(context, scratch, ({ padded, sums, lists }) => {
    if (needsCopy) pad(context, addressOf(context, x), padded, padding);
    const sizes = { outputs: info.outChannels, kernelHeight: info.filterHeight, vectors, portions };
    runInChunks(context, 'pooledFilterGradient', chunks, {
      input: needsCopy ? padded : x,
      dy,
      sums,
      lists,
      batch: info.batchSize,
      inHeight: padding.toHeight,
      inWidth: padding.toWidth,
      inputs: info.inChannels,
      height: info.outHeight,
      width: info.outWidth,
      strideHeight: info.strideHeight,
      strideWidth: info.strideWidth,
      ...sizes,
    });
    runKernel(context, 'sumPortions', info.filterHeight * run, { sums, gradient, run, ...sizes });
  });
}

/** dy, filter -> dx, the input's gradient. */
export function pooledInputGradient(
  context: KernelContext,
  { dy, filter, dx }: Record<'dy' | 'filter' | 'dx', tf.TensorInfo>,
  info: ConvInfo,
): void {
  const padding = inputPadding(info);
  const vectors = vectorsOf(info);
  const chunks = context.threads.chunksFor(info.batchSize);
  const scratch = {
    packed: info.outChannels * info.filterHeight * vectors * 4,
    padded: chunks * (padding.toHeight * padding.toWidth * info.inChannels + 4),
    lists: chunks * listsOf(info),
  };
  withScratch(context, scratch, ({ packed, padded, lists }) => {
    packByOutput(context, filter, packed, vectors);
    runInChunks(context, 'pooledInputGradient', chunks, {
      dy,
      filter: packed,
      dx,
      padded,
      lists,
      batch: info.batchSize,
      inputHeight: info.inHeight,
      inputWidth: info.inWidth,
      inHeight: padding.toHeight,
      inWidth: padding.toWidth,
      top: padding.top,
      left: padding.left,
      inputs: info.inChannels,
      height: info.outHeight,
      width: info.outWidth,
      outputs: info.outChannels,
      kernelHeight: info.filterHeight,
      vectors,
      strideHeight: info.strideHeight,
      strideWidth: info.strideWidth,
    });
  });
}

/** A filter [kernelHeight, kernelWidth, inputs, outputs] -> [outputs, kernelHeight, vectors, 4], zeros behind each run. */
function packByOutput(context: KernelContext, filter: tf.TensorInfo, to: number, vectors: number): void {
  const [height, width, inputs, outputs] = filter.shape as [number, number, number, number];
  const { buffer } = context.backend.wasm.asm.memory;
  const run = width * inputs;
  const from = new Float32Array(buffer, addressOf(context, filter), height * run * outputs);
  const packed = new Float32Array(buffer, to, outputs * height * vectors * 4).fill(0);
  for (let row = 0; row < height * run; row++) {
    const place = Math.floor(row / run) * vectors * 4 + (row % run);
    for (let output = 0; output < outputs; output++)
      packed[output * height * vectors * 4 + place] = from[row * outputs + output] as number;
  }
}
