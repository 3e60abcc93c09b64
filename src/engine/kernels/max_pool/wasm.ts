import * as tf from '@tensorflow/tfjs-core';
import { addressOf } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';
import { kernelNumbers } from '../../wasm/kernel_numbers.ts';

type PoolInfo = tf.backend_util.Conv2DInfo;

function poolInfoOf(shape: number[], attributes: tf.NamedAttrMap): PoolInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attributes as {
    filterSize: number;
    strides: number;
    pad: 'same';
    dimRoundingMode: 'floor';
  };
  const inputShape = shape as [number, number, number, number];
  return tf.backend_util.computePool2DInfo(inputShape, filterSize, strides, 1, pad, dimRoundingMode);
}

function sizesOf(info: PoolInfo): number[] {
  return [
    info.batchSize,
    info.inHeight,
    info.inWidth,
    info.inChannels,
    info.outHeight,
    info.outWidth,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.padInfo.top,
    info.padInfo.left,
  ];
}

export const maxPool: OwnKernel = {
  name: 'MaxPool',
  accepts: ({ x }) => x?.dtype === 'float32',
  run(context, inputs, attributes) {
    const { x } = inputs as { x: tf.TensorInfo };
    const info = poolInfoOf(x.shape, attributes);
    const output = context.backend.makeOutput(info.outShape, 'float32');
    context.threads.run(kernelNumbers.maxPool, info.batchSize * info.outHeight, (chunks) => [
      addressOf(context, x),
      addressOf(context, output),
      chunks,
      ...sizesOf(info),
    ]);
    return output;
  },
};

/** Of equal maxima in a window the first, row by row, gets the gradient, as in tfjs's own backends. */
export const maxPoolGrad: OwnKernel = {
  name: 'MaxPoolGrad',
  run(context, inputs, attributes) {
    const { dy, input, output } = inputs as Record<'dy' | 'input' | 'output', tf.TensorInfo>;
    const info = poolInfoOf(input.shape, attributes);
    const dx = context.backend.makeOutput(input.shape, 'float32');
    context.threads.run(kernelNumbers.maxPoolGradient, info.batchSize, (chunks) => [
      ...[input, output, dy, dx].map((tensor) => addressOf(context, tensor)),
      chunks,
      ...sizesOf(info),
    ]);
    return dx;
  },
};
