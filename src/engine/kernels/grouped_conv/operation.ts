import '../../gradients.ts';
import { tf } from '../../../tensors/tf.ts';
import { type ConvolutionOptions, fusedConvolution } from '../conv/operation.ts';

/**
 * Convolution in groups: the channels are cut into as many parts as there are groups, and each part is convolved with its
 * own part of the filters (Krizhevsky et al. 2012; ResNeXt, Xie et al. 2017).
 * @param x [batch, height, width, channels]
 * @param filter [kernelHeight, kernelWidth, channels / groups, outputs]: the first outputs / groups read the first group.
 * @param bias [outputs]
 * @returns [batch, outHeight, outWidth, outputs]; it has gradients for x, filter and bias.
 */
export function groupedConvolution(
  x: tf.Tensor,
  filter: tf.Tensor,
  bias: tf.Tensor | undefined,
  options: ConvolutionOptions,
): tf.Tensor4D {
  registerComposed(tf.getBackend());
  return fusedConvolution('GroupedConv2D', x, filter, bias, options);
}

/** @param channels of the whole input. */
export function groupsOf(channels: number, filterShape: number[]): number {
  return channels / (filterShape[2] as number);
}

const run = (kernel: string, inputs: Record<string, tf.Tensor | undefined>, attributes: tf.NamedAttrMap) =>
  tf.engine().runKernel(kernel, inputs as tf.NamedTensorMap, attributes) as tf.Tensor;

type Tensors = Record<string, tf.TensorInfo | undefined>;

/** Cuts tensors along their channels, computes each group, and puts the results side by side again. */
function byGroups(
  groups: number,
  tensors: Tensors,
  compute: (parts: Record<string, tf.Tensor>) => tf.Tensor,
): tf.Tensor {
  const cut = Object.entries(tensors).map(([name, tensor]) => ({
    name,
    parts: tf.split(tensor as tf.Tensor4D, groups, 3),
  }));
  const results = Array.from({ length: groups }, (_, group) =>
    compute(Object.fromEntries(cut.map(({ name, parts }) => [name, parts[group] as tf.Tensor]))),
  );
  return tf.concat(results, 3);
}

type Composed = (inputs: Tensors, attributes: tf.NamedAttrMap) => tf.Tensor;

const forward: Composed = ({ x, filter, bias }, attributes) => {
  const [channels, { shape }] = [x?.shape[3] as number, filter as tf.TensorInfo];
  const convolved = byGroups(groupsOf(channels, shape), { x, filter }, (parts) =>
    run('FusedConv2D', parts, attributes),
  );
  return bias ? tf.add(convolved, bias as tf.Tensor) : convolved;
};

/** A shape whose channels are those of one group. */
const ofGroup = (shape: number[], groups: number) => [...shape.slice(0, 3), (shape[3] as number) / groups];

const inputGradient: Composed = ({ dy, filter }, attributes) => {
  const inputShape = attributes.inputShape as number[];
  const groups = groupsOf(inputShape[3] as number, (filter as tf.TensorInfo).shape);
  const own = { ...attributes, inputShape: ofGroup(inputShape, groups) };
  return byGroups(groups, { dy, filter }, (parts) => run('Conv2DBackpropInput', parts, own));
};

const filterGradient: Composed = ({ x, dy }, attributes) => {
  const filterShape = attributes.filterShape as number[];
  const groups = groupsOf(x?.shape[3] as number, filterShape);
  const own = { ...attributes, filterShape: ofGroup(filterShape, groups) };
  return byGroups(groups, { x, dy }, (parts) => run('Conv2DBackpropFilter', parts, own));
};

/** The kernels, made of one convolution per group. */
export const composedKernels: Record<string, Composed> = Object.fromEntries(
  Object.entries({
    GroupedConv2D: forward,
    GroupedConv2DBackpropInput: inputGradient,
    GroupedConv2DBackpropFilter: filterGradient,
  }).map(([name, compute]) => [name, (inputs, attributes) => tf.tidy(() => compute(inputs, attributes))]),
);

/** Gives a backend these kernels where it has none of its own. */
function registerComposed(backendName: string): void {
  for (const [kernelName, compute] of Object.entries(composedKernels))
    if (!tf.getKernel(kernelName, backendName))
      tf.registerKernel({
        kernelName,
        backendName,
        kernelFunc: ({ inputs, attrs }) => compute(inputs, attrs ?? {}),
      });
}
