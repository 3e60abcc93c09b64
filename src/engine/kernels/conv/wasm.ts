import type { tf } from '../../../tensors/tf.ts';
import { addressOf } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { convInfoOf, convolve, inputPadding, isPlainConvolution } from './wasm_convolve.ts';

function run(...[context, inputs, attributes]: Parameters<OwnKernel['run']>): tf.TensorInfo {
  const { x, filter, bias } = inputs as { x: tf.TensorInfo; filter: tf.TensorInfo; bias?: tf.TensorInfo };
  const info = convInfoOf(x.shape, filter.shape, attributes);
  const output = context.backend.makeOutput(info.outShape, 'float32');
  const taps = info.filterHeight * info.filterWidth;
  convolve(context, x, bias, output, {
    padding: inputPadding(info),
    filter: { height: info.filterHeight, width: info.filterWidth, outputs: info.outChannels },
    stride: [info.strideHeight, info.strideWidth],
    output: [info.outHeight, info.outWidth],
    packTo: (address) =>
      context.threads.kernels.packFilter(
        addressOf(context, filter),
        address,
        taps,
        info.inChannels,
        info.outChannels,
      ),
  });
  return output;
}

export const conv2d: OwnKernel = {
  name: 'Conv2D',
  accepts: (_, attributes) => isPlainConvolution(attributes),
  run,
};

export const fusedConv2d: OwnKernel = {
  name: 'FusedConv2D',
  accepts: (_, attributes) =>
    isPlainConvolution(attributes) && (attributes.activation === 'linear' || attributes.activation == null),
  run,
};
