import { expect, required, windowOf, withBias } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { onnxWindow } from '../../formats/onnx/window.ts';
import { kernelOfPyTorch } from '../../formats/safetensors/kernel.ts';
import { windowAttributes } from '../../formats/tensorflow/attributes.ts';
import { readConvolutions } from '../../formats/tensorflow/reading.ts';
import { addBiases } from '../../formats/tensorflow/writing.ts';
import { windowFields } from '../../formats/tflite/window.ts';
import { placeWindow, type Window } from '../../formats/windows.ts';
import { permute, type Tensor } from '../../tensors/tensors.ts';
import { heightAndWidth } from '../window.ts';
import { type DepthwiseConvAttributes, depthwiseConv } from './layer.ts';

/** @param kernel [height, width, channels, 1] */
export function addDepthwiseConv(
  builder: NetworkBuilder,
  input: Value,
  { kernel, biases, ...rest }: { kernel: Tensor; biases?: Tensor | undefined } & Omit<Window, 'kernel'>,
  where: string,
): Value {
  const [height, width, channels, multiplier] = kernel.shape as [number, number, number, number];
  if (kernel.shape.length !== 4)
    builder.fail(where, `has weights of shape [${kernel.shape}]; a depthwise convolution's have four axes`);
  if (multiplier !== 1) builder.fail(where, `has ${multiplier} outputs per channel; bat-sup supports one`);
  if (input.shape.length === 3 && channels !== input.shape[2])
    builder.fail(where, `has kernels for ${channels} channels, but its input has ${input.shape[2]}`);
  const { input: padded, window } = placeWindow(builder, input, { kernel: [height, width], ...rest }, where);
  const attributes = { ...window, biases: biases !== undefined };
  return builder.add(depthwiseConv, [padded], attributes, { weights: kernel, biases }, where);
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
      return { className: 'DepthwiseConv2D', config, weights };
    },
    read: {
      DepthwiseConv2D: {
        weights: withBias('depthwise_kernel'),
        read(reading, [input]) {
          const { builder, layer, weight } = reading;
          expect(reading, { depth_multiplier: [1] });
          // In Keras 3's .h5 files its name is 'kernel'.
          const kernel = weight('depthwise_kernel') ?? required(reading, 'kernel');
          const { strides, padding } = windowOf(reading, kernel.shape.slice(0, 2), layer.config.strides ?? 1);
          const options = { kernel, biases: weight('bias'), strides, padding };
          return addDepthwiseConv(builder, input, options, layer.name);
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
    read: {
      Conv: {
        read(reading) {
          const group = reading.int('group', 1);
          const { shape } = reading.required(1);
          if (group === 1) return undefined;
          if (group !== shape[0] || shape[1] !== 1)
            reading.fail(`has ${group} groups; bat-sup supports one group, or one per channel`);
          const kernel = channelsFirst(reading.required(1));
          const options = { kernel, biases: reading.constant(2), ...reading.window() };
          const input = reading.channelsFirst();
          return reading.maps(addDepthwiseConv(reading.builder, input, options, reading.where));
        },
      },
    },
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
      const product = graph.add('DepthwiseConv2dNative', [input, weights], {
        attributes: windowAttributes(layer.attributes),
      });
      return addBiases(graph, product, biases);
    },
    read: readConvolutions('DepthwiseConv2dNative', 2, addDepthwiseConv),
  },
};
