import { required, windowOf, withBias } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { onnxWindow } from '../../formats/onnx/window.ts';
import { kernelOfPyTorch } from '../../formats/safetensors/kernel.ts';
import { constant, windowAttributes } from '../../formats/tensorflow/attributes.ts';
import type { LayerGraph } from '../../formats/tensorflow/layer_format.ts';
import { constantOf, type GraphNode, type Variable, variableOf } from '../../formats/tensorflow/meanings.ts';
import { either, readConvolutions } from '../../formats/tensorflow/reading.ts';
import { addBiases } from '../../formats/tensorflow/writing.ts';
import { windowFields } from '../../formats/tflite/window.ts';
import { placeWindow, type Window } from '../../formats/windows.ts';
import { permute, type Tensor } from '../../tensors/tensors.ts';
import { addConv } from '../conv/formats.ts';
import type { LayerSummary } from '../layer.ts';
import { heightAndWidth } from '../window.ts';
import { type DepthwiseConvAttributes, depthwiseConv } from './layer.ts';

/** @param kernel [height, width, channels, outputs for each channel] */
export function addDepthwiseConv(
  builder: NetworkBuilder,
  input: Value,
  { kernel, biases, ...rest }: { kernel: Tensor; biases?: Tensor | undefined } & Omit<Window, 'kernel'>,
  where: string,
): Value {
  const [height, width, channels, multiplier] = kernel.shape as [number, number, number, number];
  if (kernel.shape.length !== 4)
    builder.fail(where, `has weights of shape [${kernel.shape}]; a depthwise convolution's have four axes`);
  // Several outputs for each channel are a convolution with one group for each.
  if (multiplier !== 1) {
    const grouped = { ...kernel, shape: [height, width, 1, channels * multiplier] };
    return addConv(builder, input, { kernel: grouped, biases, groups: channels, ...rest }, where);
  }
  if (input.shape.length === 3 && channels !== input.shape[2])
    builder.fail(where, `has kernels for ${channels} channels, but its input has ${input.shape[2]}`);
  const { input: padded, window } = placeWindow(builder, input, { kernel: [height, width], ...rest }, where);
  const attributes = { ...window, biases: biases !== undefined };
  return builder.add(depthwiseConv, [padded], attributes, { weights: kernel, biases }, where);
}

const outputsOf = ([, , channels = 0, each = 0]: number[]) => channels * each;

/** TensorFlow's depthwise convolution has one stride for both axes: weights for a convolution with a group for each channel. */
function asGroups(
  graph: LayerGraph,
  weights: string,
  { attributes, inputShape }: LayerSummary<DepthwiseConvAttributes>,
): string {
  const shape = [...heightAndWidth(attributes.kernel), 1, inputShape[2] as number];
  const sizes = graph.constant('shape', constant.integers(shape));
  return graph.add('Reshape', [weights, sizes], { name: 'Reshape', shape });
}

/** @param node the Reshape of such weights. */
function kernelInGroups(node: GraphNode | undefined): Variable | undefined {
  const [variable, sizes] = [variableOf(node?.inputs[0]), constantOf(node?.inputs[1])];
  if (node?.op !== 'Reshape' || !variable || !sizes) return undefined;
  const [height, width, channels, each] = variable.shape;
  return each === 1 && String(sizes.values) === String([height, width, 1, channels]) ? variable : undefined;
}

/** [height, width, channels, 1] as in bat-sup, TensorFlow and Keras <-> [channels, 1, height, width] as in ONNX and PyTorch. */
const channelsFirst = (kernel: Tensor) => permute(kernel, [2, 3, 0, 1]);

export const formats: LayerFormats<DepthwiseConvAttributes> = {
  layer: depthwiseConv,
  keras: {
    write({ attributes: { kernel, stride, padding, biases } }) {
      const config = {
        kernel_size: heightAndWidth(kernel),
        strides: heightAndWidth(stride),
        padding,
        depth_multiplier: 1,
        data_format: 'channels_last',
        activation: 'linear',
        use_bias: biases,
      };
      const weights = { depthwise_kernel: 'weights', ...(biases && { bias: 'biases' }) };
      const lacking = { keras: 'depthwise convolutions with different strides down and across' };
      const isUneven = Array.isArray(stride);
      return { className: 'DepthwiseConv2D', config, weights, ...(isUneven && { lacking }) };
    },
    read: {
      DepthwiseConv2D: {
        weights: withBias('depthwise_kernel'),
        read(reading, [input]) {
          const { builder, layer, weight } = reading;
          // In Keras 3's .h5 files its name is 'kernel'.
          const kernel = weight('depthwise_kernel') ?? required(reading, 'kernel');
          const { strides, padding } = windowOf(reading, kernel.shape.slice(0, 2), layer.config.strides ?? 1);
          const options = { kernel, biases: weight('bias'), strides, padding };
          return addDepthwiseConv(builder, input, options, layer.name);
        },
      },
      // A depthwise convolution, and one of 1 x 1 that mixes its channels.
      SeparableConv2D: {
        weights: ({ use_bias: hasBias }) => [
          'depthwise_kernel',
          'pointwise_kernel',
          ...(hasBias === false ? [] : ['bias']),
        ],
        read(reading, [input]) {
          const { builder, layer, weight } = reading;
          const kernel = required(reading, 'depthwise_kernel');
          const { strides, padding } = windowOf(reading, kernel.shape.slice(0, 2), layer.config.strides ?? 1);
          const maps = addDepthwiseConv(builder, input, { kernel, strides, padding }, layer.name);
          const mixing = { kernel: required(reading, 'pointwise_kernel'), biases: weight('bias') };
          return addConv(builder, maps, { ...mixing, strides: [1, 1], padding: 'valid' }, layer.name);
        },
      },
    },
  },
  onnx: {
    write({ graph, layer, inputs, variable }) {
      const kernel = graph.weights(`${layer.name}/weights`, channelsFirst(variable('weights') as Tensor), 0);
      const constants = [kernel, ...graph.constants(layer.name, ['biases'], variable)];
      const attributes = { ...onnxWindow(layer), group: layer.inputShape[2] as number };
      return graph.add('Conv', [...inputs, ...constants], layer.name, attributes);
    },
    // layers/conv reads it.
    read: {},
  },
  tflite: {
    write({ graph, layer, inputs, variable }) {
      const [, , channels] = layer.inputShape as [number, number, number];
      // [1, height, width, channels]
      const kernel = permute(variable('weights') as Tensor, [3, 0, 1, 2]);
      // The operator's version for int8 weights with one scale per channel is 6.
      const operator = { code: 4, version: graph.weightType === 'int8' ? 6 : 1, options: 2 };
      const constants = [
        graph.weights(`${layer.name}/weights`, kernel, 3),
        graph.biases(`${layer.name}/biases`, variable('biases'), channels),
      ];
      const options = [...windowFields(layer.attributes), { slot: 3, int32: 1 }];
      return graph.add(operator, [...inputs, ...constants], layer.name, layer.outputShape, options);
    },
  },
  pyTorch: {
    weights: kernelOfPyTorch(channelsFirst, channelsFirst),
    biases: { name: 'bias' },
  },
  tensorflow: {
    write({ graph, layer, inputs: [input], variables }) {
      const { weights, biases } = variables as { weights: string; biases?: string };
      const attributes = windowAttributes(layer.attributes);
      const product = Array.isArray(layer.attributes.stride)
        ? graph.add('Conv2D', [input, asGroups(graph, weights, layer)], { attributes })
        : graph.add('DepthwiseConv2dNative', [input, weights], { attributes });
      return addBiases(graph, product, biases);
    },
    read: either(
      readConvolutions({ op: 'DepthwiseConv2dNative', outputsOf, add: addDepthwiseConv }),
      readConvolutions({ op: 'Conv2D', outputsOf, add: addDepthwiseConv, kernelOf: kernelInGroups }),
    ),
  },
};
