import { tf } from '../../../tensors/tf.ts';

/** What maps [batch, height, width, channels] and one number for each of their channels [batch, 1, 1, channels] do together. */

/** The kernels an engine may register. Inputs: x, factors. */
export const scaleMapsKernel = 'ScaleMaps';
/** Inputs: a and perhaps b; attribute: divisor. The sum over the pixels of a, or of a * b, divided by it. */
export const sumMapsKernel = 'SumMaps';
/** Inputs: values; attributes: height, width, divisor. The values divided by it, at every pixel. */
export const spreadMapsKernel = 'SpreadMaps';

function runKernel(kernel: string, inputs: tf.NamedTensorMap, attributes: tf.NamedAttrMap = {}) {
  if (!tf.getKernel(kernel, tf.getBackend())) return undefined;
  return tf.engine().runKernel(kernel, inputs, attributes) as tf.Tensor;
}

const scale = (x: tf.Tensor, factors: tf.Tensor) =>
  runKernel(scaleMapsKernel, { x, factors }) ?? tf.mul(x, factors);

const sumOfProducts = (a: tf.Tensor, b: tf.Tensor) =>
  runKernel(sumMapsKernel, { a, b }, { divisor: 1 }) ?? tf.sum(tf.mul(a, b), [1, 2], true);

const mean = (x: tf.Tensor4D) => {
  const [, height, width] = x.shape;
  return runKernel(sumMapsKernel, { a: x }, { divisor: height * width }) ?? tf.mean(x, [1, 2], true);
};

function spread(values: tf.Tensor, height: number, width: number): tf.Tensor {
  const divisor = height * width;
  return (
    runKernel(spreadMapsKernel, { values }, { height, width, divisor }) ??
    tf.tile(tf.div(values, divisor), [1, height, width, 1])
  );
}

/**
 * The product of two tensors, element by element.
 * @param b of the same shape.
 * @returns of the same shape; it has gradients for both.
 */
export function multiply(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const product = tf.customGrad((...inputs) => {
    const [one, other, save] = inputs as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([one, other]);
    return {
      value: tf.mul(one, other),
      gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
        const [x, y] = saved as [tf.Tensor, tf.Tensor];
        return [tf.mul(dy, y), tf.mul(dy, x)];
      },
    };
  });
  return product(a, b);
}

/**
 * Multiplies each channel of maps by its factor.
 * @param maps [batch, height, width, channels]
 * @param channelFactors [batch, 1, 1, channels]
 * @returns of the shape of the maps; it has gradients for both.
 */
export function scaleMaps(maps: tf.Tensor, channelFactors: tf.Tensor): tf.Tensor {
  const product = tf.customGrad((...inputs) => {
    const [x, factors, save] = inputs as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([x, factors]);
    return {
      value: scale(x, factors),
      gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
        const [savedX, savedFactors] = saved as [tf.Tensor, tf.Tensor];
        return [scale(dy, savedFactors), sumOfProducts(dy, savedX)];
      },
    };
  });
  return product(maps, channelFactors);
}

/** The mean of each map. [batch, height, width, channels] -> [batch, 1, 1, channels]; it has a gradient. */
export function meanOfMaps(maps: tf.Tensor4D): tf.Tensor4D {
  const [, height, width] = maps.shape;
  const means = tf.customGrad((...inputs) => ({
    value: mean(inputs[0] as tf.Tensor4D),
    gradFunc: (dy: tf.Tensor) => spread(dy, height, width),
  }));
  return means(maps) as tf.Tensor4D;
}
