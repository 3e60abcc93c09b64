import { sizeOf } from '../../../tensors/shape.ts';
import type { tf } from '../../../tensors/tf.ts';
import { addressOf, type KernelContext, runKernel, withScratch } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { type ConvInfo, convInfoOf, gradientPadding, inputPadding, roundUp } from '../conv/wasm_convolve.ts';
import { isUnpadded, type Padding, pad, paddedSize } from '../conv/wasm_pad.ts';
import { groupsOf } from './operation.ts';

/** Outputs whose sums the kernel keeps in registers together. */
const blockOutputs = 8;

interface Sizes {
  groups: number;
  taps: number;
  /** Of a group. */
  inputs: number;
  outputs: number;
}

/** The sizes of a filter [kernelHeight, kernelWidth, channels / groups, outputs]. */
function sizesOf(channels: number, filterShape: number[]): Sizes {
  const [height, width, inputs, outputs] = filterShape as [number, number, number, number];
  const groups = groupsOf(channels, filterShape);
  return { groups, taps: height * width, inputs, outputs: outputs / groups };
}

const floatsAt = ({ backend }: KernelContext, address: number, size: number) =>
  new Float32Array(backend.wasm.asm.memory.buffer, address, size);

/** A filter as [groups, blocks of eight outputs, taps, inputs, 8], zeros where there is no output. */
function packFilter(from: Float32Array, to: Float32Array, { groups, taps, inputs, outputs }: Sizes): void {
  const blocks = Math.ceil(outputs / blockOutputs);
  const rows = taps * inputs;
  to.fill(0);
  for (let group = 0; group < groups; group++)
    for (let output = 0; output < outputs; output++) {
      const block = group * blocks + Math.floor(output / blockOutputs);
      const first = block * rows * blockOutputs + (output % blockOutputs);
      const column = group * outputs + output;
      for (let row = 0; row < rows; row++)
        to[first + row * blockOutputs] = from[row * groups * outputs + column] as number;
    }
}

/** The same for the filter rotated by 180 degrees, with the inputs and outputs of each group exchanged. */
function packTransposedFilter(from: Float32Array, to: Float32Array, { groups, taps, ...own }: Sizes): void {
  const { inputs, outputs } = own;
  const blocks = Math.ceil(inputs / blockOutputs);
  to.fill(0);
  for (let group = 0; group < groups; group++)
    for (let input = 0; input < inputs; input++) {
      const block = group * blocks + Math.floor(input / blockOutputs);
      for (let tap = 0; tap < taps; tap++) {
        const source = ((taps - 1 - tap) * inputs + input) * groups * outputs + group * outputs;
        const first = (block * taps + tap) * outputs * blockOutputs + (input % blockOutputs);
        for (let output = 0; output < outputs; output++)
          to[first + output * blockOutputs] = from[source + output] as number;
      }
    }
}

/** A bias as [groups, blocks of eight outputs, 8]. */
function packBias(from: Float32Array | undefined, to: Float32Array, { groups, outputs }: Sizes): void {
  to.fill(0);
  if (!from) return;
  const padded = roundUp(outputs);
  for (let group = 0; group < groups; group++)
    to.set(from.subarray(group * outputs, (group + 1) * outputs), group * padded);
}

interface Convolution {
  input: tf.TensorInfo;
  bias?: tf.TensorInfo | undefined;
  output: tf.TensorInfo;
  padding: Padding;
  /** Of what is convolved, whose inputs and outputs are those of the packed filter. */
  sizes: Sizes;
  kernel: [height: number, width: number];
  stride: [height: number, width: number];
  /** Height and width of the output. */
  outSize: [height: number, width: number];
  pack(to: Float32Array): void;
}

function convolve(context: KernelContext, one: Convolution): void {
  const { input, bias, output, padding, sizes, kernel, stride, outSize, pack } = one;
  const { groups, taps, inputs, outputs } = sizes;
  const paddedOutputs = groups * roundUp(outputs);
  const needsCopy = !isUnpadded(padding);
  const scratch = {
    padded: needsCopy ? paddedSize(padding) : 0,
    filter: taps * inputs * paddedOutputs,
    paddedBias: paddedOutputs,
  };
  withScratch(context, scratch, ({ padded, filter, paddedBias }) => {
    if (needsCopy) pad(context, addressOf(context, input), padded, padding);
    pack(floatsAt(context, filter, scratch.filter));
    const values = bias && floatsAt(context, addressOf(context, bias), groups * outputs);
    packBias(values, floatsAt(context, paddedBias, paddedOutputs), sizes);
    const [height, width] = outSize;
    runKernel(context, 'convolveGroups', padding.batch * height, {
      input: needsCopy ? padded : input,
      filter,
      bias: paddedBias,
      output,
      batch: padding.batch,
      inHeight: padding.toHeight,
      inWidth: padding.toWidth,
      channels: groups * inputs,
      height,
      width,
      outputs: groups * outputs,
      groups,
      kernelHeight: kernel[0],
      kernelWidth: kernel[1],
      strideHeight: stride[0],
      strideWidth: stride[1],
    });
  });
}

/** The sizes of a grouped convolution, as tfjs computes those of one that reads all channels. */
function infoOf(inputShape: number[], filterShape: number[], attributes: tf.NamedAttrMap): ConvInfo {
  const [height, width, , outputs] = filterShape as [number, number, number, number];
  return convInfoOf(inputShape, [height, width, inputShape[3] as number, outputs], attributes);
}

const kernelOf = ({ filterHeight, filterWidth }: ConvInfo): [number, number] => [filterHeight, filterWidth];

export const groupedConv2d: OwnKernel = {
  name: 'GroupedConv2D',
  run(context, inputs, attributes) {
    const { x, filter, bias } = inputs as { x: tf.TensorInfo; filter: tf.TensorInfo; bias?: tf.TensorInfo };
    const info = infoOf(x.shape, filter.shape, attributes);
    const sizes = sizesOf(info.inChannels, filter.shape);
    const output = context.backend.makeOutput(info.outShape, 'float32');
    convolve(context, {
      input: x,
      bias,
      output,
      padding: inputPadding(info),
      sizes,
      kernel: kernelOf(info),
      stride: [info.strideHeight, info.strideWidth],
      outSize: [info.outHeight, info.outWidth],
      pack: (to) =>
        packFilter(floatsAt(context, addressOf(context, filter), sizeOf(filter.shape)), to, sizes),
    });
    return output;
  },
};

/** dx is the convolution of dy with the filter rotated by 180 degrees, the inputs and outputs of its groups exchanged. */
export const groupedConv2dBackpropInput: OwnKernel = {
  name: 'GroupedConv2DBackpropInput',
  run(context, inputs, attributes) {
    const { dy, filter } = inputs as Record<'dy' | 'filter', tf.TensorInfo>;
    const info = infoOf(attributes.inputShape as number[], filter.shape, attributes);
    const sizes = sizesOf(info.inChannels, filter.shape);
    const output = context.backend.makeOutput(info.inShape, 'float32');
    convolve(context, {
      input: dy,
      output,
      padding: gradientPadding(info),
      sizes: { ...sizes, inputs: sizes.outputs, outputs: sizes.inputs },
      kernel: kernelOf(info),
      stride: [1, 1],
      outSize: [info.inHeight, info.inWidth],
      pack: (to) =>
        packTransposedFilter(floatsAt(context, addressOf(context, filter), sizeOf(filter.shape)), to, sizes),
    });
    return output;
  },
};

/** The kernel works on four inputs and eight outputs of a group at a time. */
const inputsPerUnit = 4;

/** A copy that kernels may read beyond the end of. */
const asItIs = ({ shape: [batch, height, width, channels] }: tf.TensorInfo) =>
  ({
    ...{ batch, height, width, channels, toHeight: height, toWidth: width, toChannels: channels },
    top: 0,
    left: 0,
    dilation: [1, 1],
  }) as Padding;

export const groupedConv2dBackpropFilter: OwnKernel = {
  name: 'GroupedConv2DBackpropFilter',
  run(context, inputs, attributes) {
    const { x, dy } = inputs as Record<'x' | 'dy', tf.TensorInfo>;
    const filterShape = attributes.filterShape as number[];
    const info = infoOf(x.shape, filterShape, attributes);
    const { groups, taps, inputs: ownInputs, outputs } = sizesOf(info.inChannels, filterShape);
    const gradient = context.backend.makeOutput(filterShape, 'float32');
    const padding = inputPadding(info);
    // What lies beyond the end of a group of channels is read, but not used.
    const needsCopy = !isUnpadded(padding) || ownInputs % inputsPerUnit !== 0;
    const needsDyCopy = outputs % blockOutputs !== 0;
    const units = groups * taps * Math.ceil(ownInputs / inputsPerUnit) * Math.ceil(outputs / blockOutputs);
    const scratch = {
      padded: needsCopy ? paddedSize(padding) : 0,
      copied: needsDyCopy ? paddedSize(asItIs(dy)) : 0,
      sums: units * inputsPerUnit * blockOutputs,
    };
    withScratch(context, scratch, ({ padded, copied, sums }) => {
      if (needsCopy) pad(context, addressOf(context, x), padded, padding);
      if (needsDyCopy) pad(context, addressOf(context, dy), copied, asItIs(dy));
      runKernel(context, 'convolveGroupsFilterGradient', units, {
        input: needsCopy ? padded : x,
        dy: needsDyCopy ? copied : dy,
        gradient,
        sums,
        batch: info.batchSize,
        inHeight: padding.toHeight,
        inWidth: padding.toWidth,
        channels: info.inChannels,
        height: info.outHeight,
        width: info.outWidth,
        outputs: info.outChannels,
        groups,
        kernelHeight: info.filterHeight,
        kernelWidth: info.filterWidth,
        strideHeight: info.strideHeight,
        strideWidth: info.strideWidth,
      });
    });
    return gradient;
  },
};
