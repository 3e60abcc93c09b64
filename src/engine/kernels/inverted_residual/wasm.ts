import type { tf } from '../../../tensors/tf.ts';
import {
  addressOf,
  type KernelContext,
  runInChunks,
  runKernel,
  withScratch,
} from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { blockOutputs, numberOf, sizesOf } from '../fused_convolution/wasm.ts';
import { type InvertedResidualAttributes, invertedResidualKernel } from './operation.ts';

/** As in wasm.assembly.ts. */
const groupChannels = 32;
/** The most of a group's expanded maps that is kept at a time, so that it stays in the level 2 cache. */
const stripBytes = 131_072;
/** The most of that at once before it is activated, so that it stays in the level 1 cache. */
const expandBytes = 16_384;
/** The most memory for the maps before the projection of the pictures that are computed together. */
const mapBytes = 8_388_608;

const bytesPerNumber = 4;

type Part = 'expand' | 'depthwise' | 'project';
type PartName = `${Part}Filter` | `${Part}Bias`;

export const invertedResidual: OwnKernel = {
  name: invertedResidualKernel,
  run(context, inputs, attributes) {
    const options = attributes as unknown as InvertedResidualAttributes;
    const { x, projectBias } = inputs as Record<'x' | PartName, tf.TensorInfo>;
    const channels = options.filterShape[2] as number;
    const [batch, inHeight, inWidth, inChannels] = x.shape as [number, number, number, number];
    const sizes = sizesOf([batch, inHeight, inWidth, channels], { ...options, depthwise: true });
    const { height, width } = sizes;
    const outputs = projectBias.shape[0] as number;
    const y = context.backend.makeOutput([batch, height, width, outputs], 'float32');
    const map = height * width * channels;
    const together = Math.min(batch, Math.max(1, Math.floor(mapBytes / (map * bytesPerNumber))));
    withScratch(context, { maps: together * map }, ({ maps }) => {
      for (let first = 0; first < batch; first += together) {
        const count = Math.min(together, batch - first);
        const from = addressOf(context, x) + first * inHeight * inWidth * inChannels * bytesPerNumber;
        const to = addressOf(context, y) + first * height * width * outputs * bytesPerNumber;
        convolve(context, { inputs, options, from, maps, sizes: { ...sizes, batch: count }, inChannels });
        runKernel(context, 'pointwiseFused', Math.max(count * height * width, outputs / blockOutputs), {
          x: maps,
          filter: inputs.projectFilter,
          bias: projectBias,
          residual: options.residual ? from : 0,
          y: to,
          rows: count * height * width,
          inputs: channels,
          outputs,
          activation: numberOf('linear'),
        });
      }
    });
    return y;
  },
};

interface Convolution {
  inputs: Partial<Record<PartName, tf.TensorInfo>>;
  options: InvertedResidualAttributes;
  from: number;
  maps: number;
  sizes: ReturnType<typeof sizesOf>;
  inChannels: number;
}

/** The expansion, if there is one, and the depthwise convolution, of the pictures at `from` to `maps`. */
function convolve(
  context: KernelContext,
  { inputs, options, from, maps, sizes, inChannels }: Convolution,
): void {
  const { outShape: _, inputs: channels, outputs: __, ...others } = sizes;
  const { batch, height, width, inWidth, kernelHeight, kernelWidth, stride, left } = others;
  const given = {
    ...others,
    x: from,
    filter: inputs.depthwiseFilter,
    bias: inputs.depthwiseBias,
    y: maps,
    channels,
    activation: numberOf(options.activation),
  };
  if (!inputs.expandFilter) {
    runKernel(context, 'depthwiseFused', batch * height, given);
    return;
  }
  const rowBytes = inWidth * groupChannels * bytesPerNumber;
  const inRows = Math.max(kernelHeight, Math.floor(stripBytes / rowBytes));
  const stripRows = Math.min(height, Math.floor((inRows - kernelHeight) / stride) + 1);
  const paddedWidth = Math.max(left + inWidth, (width - 1) * stride + kernelWidth);
  const chunks = context.threads.chunksFor(batch * Math.ceil(channels / groupChannels));
  const rows = (stripRows - 1) * stride + kernelHeight;
  const expandRows = Math.min(rows, Math.max(1, Math.floor(expandBytes / rowBytes)));
  const strip = (expandRows * inWidth + rows * paddedWidth + kernelHeight * kernelWidth) * groupChannels;
  withScratch(context, { strips: chunks * strip }, ({ strips }) => {
    const { expandFilter, expandBias } = inputs;
    const sizes = { inputs: inChannels, paddedWidth, stripRows, expandRows };
    runInChunks(context, 'expandDepthwise', chunks, { ...given, ...sizes, expandFilter, expandBias, strips });
  });
}
