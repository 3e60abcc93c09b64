import { sizeOf } from '../../../tensors/shape.ts';
import { tf } from '../../../tensors/tf.ts';
import {
  addressOf,
  type KernelContext,
  runInChunks,
  runKernel,
  withScratch,
} from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import {
  type FusedActivation,
  type FusedConvolutionAttributes,
  fusedActivations,
  fusedConvolutionKernel,
  type PackFilterAttributes,
  packFilterKernel,
} from './operation.ts';

/** The outputs of a block of a packed filter. */
export const blockOutputs = 8;

/** Pixels that fill tiles of the kernel's products, of five and of six. */
const tileRows = 30;

/** Activations by their numbers in wasm_activation.assembly.ts. */
export const numberOf = (activation: FusedActivation) => fusedActivations.indexOf(activation);

/** A depthwise filter stays as it is. Others: [blocks of eight outputs, kernelHeight, kernelWidth, channels, 8]. */
export const packFilter: OwnKernel = {
  name: packFilterKernel,
  run(context, _, attributes) {
    const { values, shape, depthwise } = attributes as unknown as PackFilterAttributes;
    const [height, width, channels, outputs] = shape as [number, number, number, number];
    const blocks = Math.ceil(outputs / blockOutputs);
    const packed = depthwise ? shape : [blocks, height, width, channels, blockOutputs];
    const filter = context.backend.makeOutput(packed, 'float32');
    if (depthwise) {
      write(context, values, addressOf(context, filter));
      return filter;
    }
    withScratch(context, { plain: values.length }, ({ plain }) => {
      write(context, values, plain);
      const { kernels } = context.threads;
      kernels.packFilter(plain, addressOf(context, filter), height * width, channels, outputs);
    });
    return filter;
  },
};

function write({ backend }: KernelContext, values: Float32Array, address: number): void {
  new Float32Array(backend.wasm.asm.memory.buffer, address, values.length).set(values);
}

type Shape4D = [number, number, number, number];

/** The sizes of a convolution. */
export function sizesOf(
  inputShape: number[],
  { filterShape, stride, padding, depthwise }: Omit<FusedConvolutionAttributes, 'activation'>,
) {
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    stride,
    1,
    padding,
    undefined,
    depthwise,
  );
  return {
    outShape: info.outShape,
    batch: info.batchSize,
    inHeight: info.inHeight,
    inWidth: info.inWidth,
    inputs: info.inChannels,
    height: info.outHeight,
    width: info.outWidth,
    outputs: info.outChannels,
    kernelHeight: info.filterHeight,
    kernelWidth: info.filterWidth,
    stride,
    top: info.padInfo.top,
    left: info.padInfo.left,
  };
}

type Sizes = ReturnType<typeof sizesOf>;

interface Addresses {
  x: tf.TensorInfo;
  filter: tf.TensorInfo;
  bias: tf.TensorInfo;
  residual: tf.TensorInfo | undefined;
  y: tf.TensorInfo;
  activation: number;
}

export const fusedConvolution: OwnKernel = {
  name: fusedConvolutionKernel,
  run(context, inputs, attributes) {
    const options = attributes as unknown as FusedConvolutionAttributes;
    const { x, filter, bias, residual } = inputs as Record<'x' | 'filter' | 'bias', tf.TensorInfo> &
      Record<'residual', tf.TensorInfo | undefined>;
    const sizes = sizesOf(x.shape, options);
    const y = context.backend.makeOutput(sizes.outShape, 'float32');
    const given = { x, filter, bias, residual, y, activation: numberOf(options.activation) };
    const { kernelHeight, kernelWidth, stride } = sizes;
    if (options.depthwise) depthwise(context, given, sizes);
    else if (kernelHeight * kernelWidth * stride === 1) pointwise(context, given, sizes);
    else convolve(context, given, sizes);
    return y;
  },
};

function pointwise(context: KernelContext, given: Addresses, { outShape, inputs, outputs }: Sizes): void {
  const rows = sizeOf(outShape) / outputs;
  const items = Math.max(rows, Math.ceil(outputs / blockOutputs));
  runKernel(context, 'pointwiseFused', items, { ...given, rows, inputs, outputs });
}

function convolve(context: KernelContext, given: Addresses, { outShape: _, ...sizes }: Sizes): void {
  const { batch, height, width, kernelHeight, kernelWidth, inputs } = sizes;
  const chunks = context.threads.chunksFor(batch * height);
  const rowsAtOnce = Math.max(1, Math.round(tileRows / width));
  const scratch = { patches: chunks * rowsAtOnce * width * kernelHeight * kernelWidth * inputs };
  withScratch(context, scratch, ({ patches }) =>
    runInChunks(context, 'convolveFused', chunks, { ...given, patches, ...sizes, rowsAtOnce }),
  );
}

function depthwise(context: KernelContext, given: Addresses, sizes: Sizes): void {
  const { outShape, inputs: channels, outputs: _, ...others } = sizes;
  const { residual, y, activation, ...rest } = given;
  const ownActivation = residual ? numberOf('linear') : activation;
  const items = others.batch * others.height;
  runKernel(context, 'depthwiseFused', items, { ...rest, y, channels, ...others, activation: ownActivation });
  if (!residual) return;
  const size = sizeOf(outShape);
  runKernel(context, 'addFused', Math.ceil(size / 4), { y, residual, size, activation });
}
