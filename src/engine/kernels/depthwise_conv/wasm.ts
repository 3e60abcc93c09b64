import { tf } from '../../../tensors/tf.ts';
import { runInChunks, runKernel, withScratch } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';

type Shape4D = [number, number, number, number];

/** Whether our kernels can compute it: one stride, not dilated, channels last, one output per channel. */
function isPlain(filterShape: number[], attributes: tf.NamedAttrMap): boolean {
  const { dilations = 1, dataFormat = 'NHWC', strides, activation, pad } = attributes;
  const [height, width = height] = [strides].flat();
  return (
    [dilations].flat().every((dilation) => dilation === 1) &&
    dataFormat === 'NHWC' &&
    height === width &&
    (activation === 'linear' || activation == null) &&
    typeof pad === 'string' &&
    filterShape[3] === 1
  );
}

function infoOf(inputShape: number[], filterShape: number[], { strides, pad }: tf.NamedAttrMap) {
  return tf.backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    strides as [number, number],
    1,
    pad as 'same',
    undefined,
    true, // depthwise
  );
}

function sizesOf(info: tf.backend_util.Conv2DInfo) {
  return {
    batch: info.batchSize,
    inHeight: info.inHeight,
    inWidth: info.inWidth,
    channels: info.inChannels,
    height: info.outHeight,
    width: info.outWidth,
    kernelHeight: info.filterHeight,
    kernelWidth: info.filterWidth,
    stride: info.strideHeight,
    top: info.padInfo.top,
    left: info.padInfo.left,
  };
}

const accepts: OwnKernel['accepts'] = ({ filter }, attributes) =>
  isPlain(filter?.shape ?? (attributes.filterShape as number[]), attributes);

function run(...[context, inputs, attributes]: Parameters<OwnKernel['run']>): tf.TensorInfo {
  const { x, filter, bias } = inputs as { x: tf.TensorInfo; filter: tf.TensorInfo; bias?: tf.TensorInfo };
  const info = infoOf(x.shape, filter.shape, attributes);
  const output = context.backend.makeOutput(info.outShape, 'float32');
  const rows = info.batchSize * info.outHeight;
  runKernel(context, 'depthwiseConvolve', rows, { input: x, filter, bias, output, ...sizesOf(info) });
  return output;
}

export const depthwiseConv2d: OwnKernel = { name: 'DepthwiseConv2dNative', accepts, run };

export const fusedDepthwiseConv2d: OwnKernel = { name: 'FusedDepthwiseConv2D', accepts, run };

/** tfjs has neither of the gradients for this backend, so what ours do not accept has none. */
export const depthwiseInputGradient: OwnKernel = {
  name: 'DepthwiseConv2dNativeBackpropInput',
  run(context, inputs, attributes) {
    const { dy, filter } = inputs as Record<'dy' | 'filter', tf.TensorInfo>;
    const info = infoOf(attributes.inputShape as number[], filter.shape, attributes);
    const dx = context.backend.makeOutput(info.inShape, 'float32');
    const rows = info.batchSize * info.inHeight;
    runKernel(context, 'depthwiseInputGradient', rows, { dy, filter, dx, ...sizesOf(info) });
    return dx;
  },
};

/** Does not depend on the number of threads, so that neither does the result. */
const maxParts = 16;

export const depthwiseFilterGradient: OwnKernel = {
  name: 'DepthwiseConv2dNativeBackpropFilter',
  run(context, inputs, attributes) {
    const { x, dy } = inputs as Record<'x' | 'dy', tf.TensorInfo>;
    const filterShape = attributes.filterShape as number[];
    const info = infoOf(x.shape, filterShape, attributes);
    const output = context.backend.makeOutput(filterShape, 'float32');
    const parts = Math.min(maxParts, info.batchSize * info.outHeight);
    const columns = info.filterHeight * info.filterWidth * info.inChannels;
    withScratch(context, { gradients: parts * columns }, ({ gradients }) => {
      runInChunks(context, 'depthwiseFilterGradient', parts, { input: x, dy, gradients, ...sizesOf(info) });
      runInChunks(context, 'sumRows', 1, { input: gradients, output, rows: parts, columns });
    });
    return output;
  },
};
