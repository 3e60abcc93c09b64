import { tf } from '../../../tensors/tf.ts';

/** The kernels an engine may register. Inputs: x, scale, offset. Outputs: y, mean, variance. */
export const batchNormKernel = 'BatchNormTraining';
/** Inputs: dy, x, scale, mean, variance. Outputs: the gradients of x, scale and offset. */
export const batchNormGradKernel = 'BatchNormTrainingGrad';

/** Inputs: mean and variance, and those of a batch. Attribute: momentum. Outputs: the next mean and variance. */
export const followBatchKernel = 'FollowBatch';

export interface BatchNormAttributes {
  /** Added to the variance. */
  epsilon: number;
}

/** Each channel's, over the whole batch: [channels]. The variance is biased (divided by n, not n - 1). */
export interface Statistics {
  mean: tf.Tensor;
  variance: tf.Tensor;
}

/** moving = momentum * moving + (1 - momentum) * batch */
export function followBatch(
  moving: Record<keyof Statistics, tf.Variable>,
  batch: Statistics,
  momentum: number,
): void {
  tf.tidy(() => {
    const { mean, variance } = moving;
    const inputs = { mean, variance, batchMean: batch.mean, batchVariance: batch.variance };
    const follow = (from: tf.Tensor, to: tf.Tensor) =>
      tf.add(tf.mul(from, momentum), tf.mul(to, 1 - momentum));
    const [nextMean, nextVariance] = tf.getKernel(followBatchKernel, tf.getBackend())
      ? (tf.engine().runKernel(followBatchKernel, inputs, { momentum }) as unknown as tf.Tensor[])
      : [follow(mean, batch.mean), follow(variance, batch.variance)];
    mean.assign(nextMean as tf.Tensor);
    variance.assign(nextVariance as tf.Tensor);
  });
}

interface ScaleAndOffset {
  scale: tf.Tensor;
  offset: tf.Tensor;
}

function runKernel(kernel: string, inputs: tf.NamedTensorMap, epsilon: number): tf.Tensor[] | undefined {
  if (!tf.getKernel(kernel, tf.getBackend())) return undefined;
  return tf.engine().runKernel(kernel, inputs, { epsilon }) as unknown as tf.Tensor[];
}

function leadingAxes(x: tf.Tensor): number[] {
  return x.shape.slice(0, -1).map((_, axis) => axis);
}

function meanOfChannels(x: tf.Tensor): tf.Tensor {
  const channels = x.shape.at(-1) as number;
  return tf.mul(tf.sum(x, leadingAxes(x)), channels / x.size);
}

function forward(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number) {
  const [y, ...statistics] = runKernel(batchNormKernel, { x, scale, offset }, epsilon) ?? [];
  if (y) return { y, mean: statistics[0] as tf.Tensor, variance: statistics[1] as tf.Tensor };
  const mean = meanOfChannels(x);
  const centred = tf.sub(x, mean);
  const variance = meanOfChannels(tf.square(centred));
  const slope = tf.mul(scale, tf.rsqrt(tf.add(variance, epsilon)));
  return { y: tf.add(tf.mul(centred, slope), offset), mean, variance };
}

/** Ioffe and Szegedy 2015, the gradients of section 3, simplified. */
function backward(dy: tf.Tensor, saved: tf.Tensor[], epsilon: number): tf.Tensor[] {
  const [x, scale, mean, variance] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const gradients = runKernel(batchNormGradKernel, { dy, x, scale, mean, variance }, epsilon);
  if (gradients) return gradients;
  const perChannel = x.size / (x.shape.at(-1) as number);
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  const normalised = tf.mul(tf.sub(x, mean), inverse);
  const dOffset = tf.sum(dy, leadingAxes(dy));
  const dScale = tf.sum(tf.mul(dy, normalised), leadingAxes(dy));
  const common = tf.add(tf.mul(normalised, tf.div(dScale, perChannel)), tf.div(dOffset, perChannel));
  return [tf.mul(tf.sub(dy, common), tf.mul(scale, inverse)), dScale, dOffset];
}

/**
 * (x - mean) / sqrt(variance + epsilon) * scale + offset, with the mean and variance of each channel of x.
 * @param x [..., channels]; the shape stays.
 * @param note is called with these; they are disposed of after it returns.
 */
export function normaliseBatch<T extends tf.Tensor>(
  x: T,
  { scale, offset }: ScaleAndOffset,
  epsilon: number,
  note: (statistics: Statistics) => void,
): T {
  const normalise = tf.customGrad((...inputs) => {
    const [layer, slope, shift, save] = inputs as unknown as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.GradSaveFunc,
    ];
    const { y, mean, variance } = forward(layer, slope, shift, epsilon);
    note({ mean, variance });
    save([layer, slope, mean, variance]);
    // Outside of tidy, what lies between would live until the whole backward pass is over.
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => tf.tidy(() => backward(dy, saved, epsilon));
    return { value: y, gradFunc };
  });
  return normalise(x, scale, offset) as T;
}

/** The same with a given mean and variance, [channels]; only x has a gradient. */
export function normaliseBy<T extends tf.Tensor>(
  x: T,
  { scale, offset, mean, variance }: Statistics & ScaleAndOffset,
  epsilon: number,
): T {
  const slope = tf.mul(scale, tf.rsqrt(tf.add(variance, epsilon)));
  const shift = tf.sub(offset, tf.mul(mean, slope));
  const normalise = tf.customGrad((...inputs) => {
    const [layer, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([slope]);
    return {
      value: tf.add(tf.mul(layer, slope), shift),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => tf.mul(dy, saved as tf.Tensor),
    };
  });
  return normalise(x) as T;
}

/** The same with gradients for scale and offset as well. */
export function scaleAndShift<T extends tf.Tensor>(
  x: T,
  { scale, offset, mean, variance }: Statistics & ScaleAndOffset,
  epsilon: number,
): T {
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  const normalise = tf.customGrad((...inputs) => {
    const [layer, ownScale, ownOffset, save] = inputs as unknown as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.GradSaveFunc,
    ];
    const slope = tf.mul(ownScale, inverse);
    const shift = tf.sub(ownOffset, tf.mul(mean, slope));
    save([layer, slope, inverse]);
    return {
      value: tf.add(tf.mul(layer, slope), shift),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        tf.tidy(() => {
          const [input, ownSlope, ownInverse] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
          const axes = leadingAxes(dy);
          const dOffset = tf.sum(dy, axes);
          const dScale = tf.mul(tf.sum(tf.mul(dy, tf.sub(input, mean)), axes), ownInverse);
          return [tf.mul(dy, ownSlope), dScale, dOffset];
        }),
    };
  });
  return normalise(x, scale, offset) as T;
}
