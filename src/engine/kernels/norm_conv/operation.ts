import '../../gradients.ts';
import { tf } from '../../../tensors/tf.ts';
import { reluGradient } from '../activation/gradient.ts';
import { activate, activationGradKernel } from '../activation/operation.ts';
import { sumToChannels } from '../bias/operation.ts';
import { fusedConvolution, type SquareConvolutionOptions } from '../conv/operation.ts';

/** linear: none. */
export const normConvActivations = ['linear', 'relu', 'relu6'] as const;
export type NormConvActivation = (typeof normConvActivations)[number];

/** The kernels an engine may register. Inputs: those of {@link normConv}. Output: y. */
export const normConvKernel = 'NormConv';
/** Inputs: the same, y and dy. Outputs: the gradients of x (where it is wanted), filter, scale and offset. */
export const normConvGradKernel = 'NormConvGrad';

export interface NormConvOptions extends SquareConvolutionOptions {
  /** Added to the variance. */
  epsilon: number;
  activation: NormConvActivation;
  isDepthwise: boolean;
}

export interface NormConvGradOptions extends NormConvOptions {
  /** Whether the gradient of x is wanted. */
  hasDx: boolean;
}

/** What has a gradient. */
const learning = ['x', 'filter', 'scale', 'offset'] as const;
type Learning = (typeof learning)[number];

export interface NormConvInputs {
  /** [batch, height, width, inputs] */
  x: tf.Tensor;
  /** [kernelHeight, kernelWidth, inputs, outputs]; depthwise: [kernelHeight, kernelWidth, channels, 1] */
  filter: tf.Tensor;
  /** [outputs], as the other three. */
  scale: tf.Tensor;
  offset: tf.Tensor;
  mean: tf.Tensor;
  variance: tf.Tensor;
}

/**
 * A convolution without biases, batch normalisation by given statistics, and an activation. Because all but the activation
 * is linear, normalisation is folded into the filter, and what is kept for the backward pass is x and the output alone:
 * activation(convolution of x by (filter * slope) + offset - mean * slope), slope = scale / sqrt(variance + epsilon).
 * @param constant what needs no gradient.
 * @returns [batch, outHeight, outWidth, outputs]
 */
export function normConv(
  inputs: NormConvInputs,
  options: NormConvOptions,
  constant: ReadonlySet<Learning> = new Set(),
): tf.Tensor4D {
  const learns = learning.filter((name) => !constant.has(name));
  const compute = tf.customGrad((...given) => {
    const save = given.at(-1) as unknown as tf.GradSaveFunc;
    const y = forward(inputs, options);
    save([inputs.x, y]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x, output] = saved as [tf.Tensor, tf.Tensor];
      const all = { ...inputs, x, y: output, dy };
      return tf.tidy(() => {
        const found = backward(all, { ...options, hasDx: !constant.has('x') });
        return learns.map((name) => found[name] as tf.Tensor);
      });
    };
    return { value: y, gradFunc };
  });
  return compute(...learns.map((name) => inputs[name])) as tf.Tensor4D;
}

const asMap = (inputs: object) => inputs as tf.NamedTensorMap;
const asAttributes = (options: object) => options as tf.NamedAttrMap;

function forward(inputs: NormConvInputs, options: NormConvOptions): tf.Tensor {
  if (tf.getKernel(normConvKernel, tf.getBackend()))
    return tf.engine().runKernel(normConvKernel, asMap(inputs), asAttributes(options));
  return composedForward(inputs, options);
}

/** The same from other kernels. */
export function composedForward(inputs: NormConvInputs, options: NormConvOptions): tf.Tensor {
  const { x, offset, mean } = inputs;
  const { isDepthwise, activation } = options;
  const { slope, filter } = folded(inputs, options);
  const bias = tf.sub(offset, tf.mul(mean, slope));
  const kernel = isDepthwise ? 'FusedDepthwiseConv2D' : 'FusedConv2D';
  const convolved = fusedConvolution(kernel, x, filter, bias, options);
  return activation === 'linear' ? convolved : activate(convolved, { function: activation });
}

function folded(
  { filter, scale, variance }: NormConvInputs,
  { epsilon, isDepthwise }: NormConvOptions,
): Record<'inverse' | 'slope' | 'filter', tf.Tensor> {
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  const slope = tf.mul(scale, inverse);
  return { inverse, slope, filter: tf.mul(filter, byOutput(slope, isDepthwise)) };
}

/** [outputs] in the shape that is multiplied with filters. */
function byOutput(values: tf.Tensor, isDepthwise: boolean): tf.Tensor {
  return isDepthwise ? tf.reshape(values, [values.size, 1]) : values;
}

type Gradients = Record<Exclude<Learning, 'x'>, tf.Tensor> & { x?: tf.Tensor | undefined };

function backward(
  inputs: NormConvInputs & Record<'y' | 'dy', tf.Tensor>,
  options: NormConvGradOptions,
): Gradients {
  if (tf.getKernel(normConvGradKernel, tf.getBackend())) {
    const outputs = tf.engine().runKernel(normConvGradKernel, asMap(inputs), asAttributes(options));
    const [x, filter, scale, offset] = outputs as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    return { x, filter, scale, offset };
  }
  return composedGradients(inputs, options);
}

/** The gradients from other kernels. The convolution of x has, by each output, a product with the filter's gradient. */
export function composedGradients(
  { x, y, dy, ...inputs }: NormConvInputs & Record<'y' | 'dy', tf.Tensor>,
  { hasDx, ...options }: NormConvGradOptions,
): Gradients {
  const { isDepthwise, activation, stride, padding } = options;
  const { inverse, slope, filter } = folded({ x, ...inputs }, options);
  const dz = unactivated(dy, y, activation);
  const kernel = isDepthwise ? 'DepthwiseConv2dNativeBackprop' : 'Conv2DBackprop';
  const attributes = { strides: [stride, stride], pad: padding, dataFormat: 'NHWC', dilations: [1, 1] };
  const run = (name: string, tensors: tf.NamedTensorMap, more: tf.NamedAttrMap): tf.Tensor =>
    tf.engine().runKernel(`${kernel}${name}`, tensors, { ...attributes, ...more });
  const dFolded = run('Filter', { x, dy: dz }, { filterShape: filter.shape });
  const dBias = sumToChannels(dz);
  const outputs = slope.size;
  const products = tf.sum(tf.reshape(tf.mul(inputs.filter, dFolded), [-1, outputs]), 0);
  return {
    x: hasDx ? run('Input', { dy: dz, filter }, { inputShape: x.shape }) : undefined,
    filter: tf.mul(dFolded, byOutput(slope, isDepthwise)),
    scale: tf.mul(tf.sub(products, tf.mul(inputs.mean, dBias)), inverse),
    offset: dBias,
  };
}

/** dy where the activation let pass what became y. */
function unactivated(dy: tf.Tensor, y: tf.Tensor, activation: NormConvActivation): tf.Tensor {
  switch (activation) {
    case 'linear':
      return dy;
    case 'relu':
      return reluGradient(dy, y);
    case 'relu6':
      if (tf.getKernel(activationGradKernel, tf.getBackend()))
        return tf.engine().runKernel(activationGradKernel, { x: y, dy }, { function: 'relu6', alpha: 0 });
      return tf.mul(dy, tf.mul(tf.step(y), tf.step(tf.sub(6, y))));
  }
}
