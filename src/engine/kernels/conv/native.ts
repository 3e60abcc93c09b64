import type { tf } from '../../../tensors/tf.ts';
import { type Attributes, execute, firstId, float32, type NodeBackend } from '../../native/backend.ts';
import { defer } from '../../native/fusion.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { product } from '../../native/product.ts';
import { pooledFilterGradient, pooledInputGradient } from '../pooled_conv/native.ts';
import {
  winogradConvolution,
  winogradFilterGradient,
  winogradInputGradient,
} from '../winograd_conv/native.ts';

function attributesOf({ strides, pad }: tf.NamedAttrMap): Attributes {
  const [height, width = height] = [strides].flat() as [number, number?];
  return {
    strides: [1, height, width, 1],
    padding: (pad as string).toUpperCase(),
    data_format: 'NHWC',
  };
}

/** Whether these kernels can compute it; anything else is left to the backend's own. */
function isPlain({ pad, dataFormat, dilations, activation }: tf.NamedAttrMap): boolean {
  const dilated = Array.isArray(dilations) ? dilations.some((one) => one !== 1) : (dilations ?? 1) !== 1;
  return (
    typeof pad === 'string' && dataFormat === 'NHWC' && !dilated && (activation ?? 'linear') === 'linear'
  );
}

function convolve(
  backend: NodeBackend,
  { x, filter }: Record<'x' | 'filter', tf.TensorInfo>,
  attributes: tf.NamedAttrMap,
): tf.Tensor {
  const fast = winogradConvolution(backend, { x, filter }, attributes);
  if (fast) return fast;
  const factors = backend.getInputTensorIds([x, filter]);
  return backend.createOutputTensor(product(backend, 'Conv2D', attributesOf(attributes), factors));
}

/** Convolution and bias. A max-pooling that follows adds the bias, to a quarter of the values (native/fusion.ts). */
export const fusedConv2d: OwnKernel = {
  name: 'FusedConv2D',
  run(backend, inputs, attributes) {
    const { x, filter, bias } = inputs as { x: tf.TensorInfo; filter: tf.TensorInfo; bias?: tf.TensorInfo };
    if (!isPlain(attributes)) return undefined;
    const convolved = convolve(backend, { x, filter }, attributes);
    if (!bias) return convolved;
    const output = defer(backend, convolved.shape, 'convBias', { convolved, bias }, () => {
      const ids = backend.getInputTensorIds([convolved, bias]);
      return firstId(execute(backend, 'BiasAdd', { T: float32, data_format: 'NHWC' }, ids));
    });
    convolved.dispose();
    return output;
  },
};

export const convolutionInputGradient: OwnKernel = {
  name: 'Conv2DBackpropInput',
  run(backend, inputs, attributes) {
    if (!isPlain(attributes)) return undefined;
    const { dy, filter } = inputs as Record<'dy' | 'filter', tf.TensorInfo>;
    const fast =
      pooledInputGradient(backend, { dy, filter }, attributes) ??
      winogradInputGradient(backend, { dy, filter }, attributes);
    if (fast) return fast;
    const factors = backend.getInputTensorIds([filter, dy]);
    const all = [attributes.inputShape as number[], ...factors];
    return backend.createOutputTensor(product(backend, 'Conv2DBackpropInput', attributesOf(attributes), all));
  },
};

export const convolutionFilterGradient: OwnKernel = {
  name: 'Conv2DBackpropFilter',
  run(backend, inputs, attributes) {
    if (!isPlain(attributes)) return undefined;
    const { x, dy } = inputs as Record<'x' | 'dy', tf.TensorInfo>;
    const fast =
      pooledFilterGradient(backend, { x, dy }, attributes) ??
      winogradFilterGradient(backend, { x, dy }, attributes);
    if (fast) return fast;
    const [pictures, gradient] = backend.getInputTensorIds([x, dy]) as [number, number];
    const all = [pictures, attributes.filterShape as number[], gradient];
    return backend.createOutputTensor(
      product(backend, 'Conv2DBackpropFilter', attributesOf(attributes), all),
    );
  },
};
