import { tf } from '../../../tensors/tf.ts';

/** A window over maps, as tfjs's pooling takes it. */
export interface PoolWindow {
  kernel: number | [height: number, width: number];
  stride: number | [vertical: number, horizontal: number];
  padding: 'same' | 'valid';
}

/** The kernel an engine may register. Input: dy; attributes: those of tfjs's AvgPoolGrad, and inputShape. */
export const averagePoolGradKernel = 'AveragePoolGrad';

/**
 * The mean of each window, per channel. Pixels of padding are not counted: a window at the border has the mean of those of
 * its pixels that lie within the maps.
 * @param x [batch, height, width, channels]
 * @returns [batch, outHeight, outWidth, channels]; it has a gradient for x.
 */
export function averagePool(x: tf.Tensor4D, window: PoolWindow): tf.Tensor4D {
  const { kernel, stride, padding } = window;
  const shape = x.shape;
  const pool = tf.customGrad((...inputs) => ({
    value: tf.avgPool(inputs[0] as tf.Tensor4D, kernel, stride, padding),
    gradFunc: (dy: tf.Tensor) => gradient(dy as tf.Tensor4D, shape, window),
  }));
  return pool(x) as tf.Tensor4D;
}

function gradient(
  dy: tf.Tensor4D,
  inputShape: PoolShape,
  { kernel, stride, padding }: PoolWindow,
): tf.Tensor {
  const attributes = { filterSize: kernel, strides: stride, pad: padding };
  if (tf.getKernel(averagePoolGradKernel, tf.getBackend()))
    return tf.engine().runKernel(averagePoolGradKernel, { dy }, { ...attributes, inputShape });
  // tfjs's own kernels divide by all pixels of the window, those of padding too.
  const scaled = padding === 'same' ? tf.mul(dy, borderScale(inputShape, { kernel, stride, padding })) : dy;
  return tf
    .engine()
    .runKernel('AvgPoolGrad', { dy: scaled, input: tf.zeros(inputShape) }, attributes as tf.NamedAttrMap);
}

type PoolShape = [batch: number, height: number, width: number, channels: number];

/** By window, its pixels divided by those within the maps. [1, outHeight, outWidth, 1] */
function borderScale(shape: PoolShape, { kernel, stride, padding }: PoolWindow): tf.Tensor {
  const info = tf.backend_util.computePool2DInfo(shape, kernel, stride, 1, padding);
  const counts = (length: number, windows: number, size: number, step: number, before: number) =>
    Array.from({ length: windows }, (_, index) => {
      const first = index * step - before;
      return Math.min(first + size, length) - Math.max(first, 0);
    });
  const { inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth, padInfo } = info;
  const rows = counts(inHeight, outHeight, filterHeight, info.strideHeight, padInfo.top);
  const columns = counts(inWidth, outWidth, filterWidth, info.strideWidth, padInfo.left);
  const scales = rows.flatMap((row) =>
    columns.map((column) => (filterHeight * filterWidth) / (row * column)),
  );
  return tf.tensor4d(scales, [1, outHeight, outWidth, 1]);
}
