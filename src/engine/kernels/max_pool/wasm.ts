import { tf } from '../../../tensors/tf.ts';
import { runKernel } from '../../wasm/engine_memory.ts';
import type { OwnKernel } from '../../wasm/kernel.ts';

type PoolInfo = tf.backend_util.Conv2DInfo;

export function poolInfoOf(shape: number[], attributes: tf.NamedAttrMap): PoolInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attributes as {
    filterSize: number;
    strides: number;
    pad: 'same';
    dimRoundingMode: 'floor';
  };
  const inputShape = shape as [number, number, number, number];
  return tf.backend_util.computePool2DInfo(inputShape, filterSize, strides, 1, pad, dimRoundingMode);
}

export function poolSizesOf(info: PoolInfo) {
  return {
    batch: info.batchSize,
    inHeight: info.inHeight,
    inWidth: info.inWidth,
    channels: info.inChannels,
    height: info.outHeight,
    width: info.outWidth,
    windowHeight: info.filterHeight,
    windowWidth: info.filterWidth,
    strideHeight: info.strideHeight,
    strideWidth: info.strideWidth,
    top: info.padInfo.top,
    left: info.padInfo.left,
  };
}

export const maxPool: OwnKernel = {
  name: 'MaxPool',
  accepts: ({ x }) => x?.dtype === 'float32',
  run(context, inputs, attributes) {
    const { x } = inputs as { x: tf.TensorInfo };
    const info = poolInfoOf(x.shape, attributes);
    const output = context.backend.makeOutput(info.outShape, 'float32');
    const sizes = poolSizesOf(info);
    runKernel(context, 'maxPool', info.batchSize * info.outHeight, { input: x, output, ...sizes });
    return output;
  },
};

/** Where several elements of a window equal the maximum, the first, row by row, gets the gradient, as in tfjs. */
export const maxPoolGrad: OwnKernel = {
  name: 'MaxPoolGrad',
  run(context, inputs, attributes) {
    const { dy, input, output } = inputs as Record<'dy' | 'input' | 'output', tf.TensorInfo>;
    const info = poolInfoOf(input.shape, attributes);
    const dx = context.backend.makeOutput(input.shape, 'float32');
    runKernel(context, 'maxPoolGradient', info.batchSize, { input, output, dy, dx, ...poolSizesOf(info) });
    return dx;
  },
};
