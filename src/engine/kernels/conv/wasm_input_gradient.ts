import type { tf } from '../../../tensors/tf.ts';
import { addressOf } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { isMostlyZero, pooledInputGradient } from '../pooled_conv/wasm.ts';
import { convInfoOf, convolve, gradientPadding, isPlainConvolution } from './wasm_convolve.ts';

/** dx is the convolution of dy with the filter rotated by 180 degrees, its inputs and outputs exchanged. */
export const conv2dBackpropInput: OwnKernel = {
  name: 'Conv2DBackpropInput',
  accepts(inputs, attributes) {
    const { filter } = inputs as { filter: tf.TensorInfo };
    const info = convInfoOf(attributes.inputShape as number[], filter.shape, attributes);
    // With padding as large as the kernel, parts of dy would have to be left out.
    return (
      isPlainConvolution(attributes) &&
      info.padInfo.top < info.filterHeight &&
      info.padInfo.left < info.filterWidth
    );
  },
  run(context, inputs, attributes) {
    const { dy, filter } = inputs as Record<'dy' | 'filter', tf.TensorInfo>;
    const info = convInfoOf(attributes.inputShape as number[], filter.shape, attributes);
    const output = context.backend.makeOutput(info.inShape, 'float32');
    if (isMostlyZero(context, dy)) {
      pooledInputGradient(context, { dy, filter, dx: output }, info);
      return output;
    }
    const taps = info.filterHeight * info.filterWidth;
    convolve(context, dy, undefined, output, {
      padding: gradientPadding(info),
      filter: { height: info.filterHeight, width: info.filterWidth, outputs: info.inChannels },
      stride: [1, 1],
      output: [info.inHeight, info.inWidth],
      packTo: (address) =>
        context.threads.kernels.packTransposedFilter(
          addressOf(context, filter),
          address,
          taps,
          info.inChannels,
          info.outChannels,
        ),
    });
    return output;
  },
};
