import { required, windowOf, withBias } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { onnxWindow } from '../../formats/onnx/window.ts';
import { kernelOfPyTorch } from '../../formats/safetensors/kernel.ts';
import { windowAttributes } from '../../formats/tensorflow/attributes.ts';
import { readConvolutions } from '../../formats/tensorflow/reading.ts';
import { addBiases } from '../../formats/tensorflow/writing.ts';
import { windowFields } from '../../formats/tflite/window.ts';
import { placeWindow, type Window } from '../../formats/windows.ts';
import { permute, type Tensor, toHwio, toOihw } from '../../tensors/tensors.ts';
import { depthwiseConv } from '../depthwise_conv/layer.ts';
import { heightAndWidth } from '../window.ts';
import { type ConvAttributes, conv } from './layer.ts';

/** A convolution as files describe it. */
interface FileConv extends Omit<Window, 'kernel'> {
  /** [height, width, in / groups, out] */
  kernel: Tensor;
  biases?: Tensor | undefined;
  /** Default 1. */
  groups?: number;
}

export function addConv(
  builder: NetworkBuilder,
  input: Value,
  { kernel, biases, groups = 1, ...rest }: FileConv,
  where: string,
): Value {
  const [height, width, channels, outputChannels] = kernel.shape as [number, number, number, number];
  if (kernel.shape.length !== 4)
    builder.fail(where, `has weights of shape [${kernel.shape}]; a convolution's have four axes`);
  if (!Number.isInteger(groups) || groups < 1) builder.fail(where, `has ${groups} groups`);
  if (input.shape.length === 3 && channels * groups !== input.shape[2])
    builder.fail(
      where,
      `has kernels for ${channels} channels in ${groups === 1 ? '1 group' : `${groups} groups`}, but its input has ${input.shape[2]} channels`,
    );
  const { input: padded, window } = placeWindow(builder, input, { kernel: [height, width], ...rest }, where);
  const tensors = { weights: kernel, biases };
  const common = { ...window, biases: biases !== undefined };
  // One group for each channel is a depthwise convolution, [height, width, channels, 1].
  if (groups > 1 && channels === 1 && outputChannels === groups)
    return builder.add(depthwiseConv, [padded], common, tensors, where);
  const attributes = { ...window, outputChannels, biases: common.biases, ...(groups > 1 && { groups }) };
  return builder.add(conv, [padded], attributes, tensors, where);
}

/** TensorFlow's convolutions have no groups: they follow from the channels of the input and the kernel. */
const addTensorFlowConv: typeof addConv = (builder, input, parts, where) => {
  const groups = (input.shape[2] ?? 0) / (parts.kernel.shape[2] as number);
  return addConv(builder, input, { ...parts, groups: Number.isInteger(groups) ? groups : 1 }, where);
};

export const formats: LayerFormats<ConvAttributes> = {
  layer: conv,
  keras: {
    write({ attributes: { kernel, stride, padding, outputChannels, biases, groups } }) {
      const config = {
        filters: outputChannels,
        kernel_size: heightAndWidth(kernel),
        strides: heightAndWidth(stride),
        padding,
        ...(groups !== undefined && { groups }),
        data_format: 'channels_last',
        activation: 'linear',
        use_bias: biases,
      };
      const weights = { kernel: 'weights', ...(biases && { bias: 'biases' }) };
      return {
        className: 'Conv2D',
        config,
        weights,
        ...(groups !== undefined && { lacking: { tfjs: 'grouped convolutions' } }),
      };
    },
    read: {
      Conv2D: {
        weights: withBias('kernel'),
        read(reading, [input]) {
          const { builder, layer, weight } = reading;
          const kernel = required(reading, 'kernel');
          const { strides, padding } = windowOf(reading, kernel.shape.slice(0, 2), layer.config.strides ?? 1);
          const groups = Number(layer.config.groups ?? 1);
          const options = { kernel, biases: weight('bias'), strides, padding, groups };
          return addConv(builder, input, options, layer.name);
        },
      },
    },
  },
  onnx: {
    write({ graph, layer, inputs, variable }) {
      const kernel = graph.weights(`${layer.name}/weights`, toOihw(variable('weights') as Tensor), 0);
      const constants = [kernel, ...graph.constants(layer.name, ['biases'], variable)];
      const { groups } = layer.attributes;
      const attributes = { ...onnxWindow(layer), ...(groups !== undefined && { group: groups }) };
      return graph.add('Conv', [...inputs, ...constants], layer.name, attributes);
    },
    read: {
      Conv: {
        read(reading) {
          const kernel = reading.required(1);
          if (kernel.shape.length !== 4)
            reading.fail(
              `has weights of shape [${kernel.shape}]; bat-sup supports convolutions in two dimensions`,
            );
          const groups = reading.int('group', 1);
          const options = {
            kernel: toHwio(kernel),
            biases: reading.constant(2),
            groups,
            ...reading.window(),
          };
          return reading.maps(addConv(reading.builder, reading.channelsFirst(), options, reading.where));
        },
      },
    },
  },
  tflite: {
    write({ graph, layer, inputs, variable }) {
      const outputs = layer.attributes.outputChannels;
      // [out, height, width, in]
      const kernel = permute(variable('weights') as Tensor, [3, 0, 1, 2]);
      // The operator's version for int8 weights with one scale per output is 5, with groups 6.
      const plain = graph.weightType === 'int8' ? 5 : 1;
      const operator = { code: 3, version: layer.attributes.groups === undefined ? plain : 6, options: 1 };
      const constants = [
        graph.weights(`${layer.name}/weights`, kernel, 0),
        graph.biases(`${layer.name}/biases`, variable('biases'), outputs),
      ];
      const options = windowFields(layer.attributes);
      return graph.add(operator, [...inputs, ...constants], layer.name, layer.outputShape, options);
    },
  },
  pyTorch: {
    weights: kernelOfPyTorch(toOihw, toHwio),
    biases: { name: 'bias' },
  },
  tensorflow: {
    write({ graph, layer, inputs: [input], variables }) {
      const { weights, biases } = variables as { weights: string; biases?: string };
      const product = graph.add('Conv2D', [input, weights], {
        attributes: windowAttributes(layer.attributes),
      });
      return addBiases(graph, product, biases);
    },
    read: readConvolutions({ op: 'Conv2D', outputsOf: ([, , , out]) => out, add: addTensorFlowConv }),
  },
};
