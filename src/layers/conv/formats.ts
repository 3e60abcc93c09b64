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
import { permute, type Tensor, toHwio, toOihw } from '../../tensors/tensors.ts';
import { heightAndWidth } from '../window.ts';
import { type ConvAttributes, conv } from './layer.ts';

/** @param kernel [height, width, in, out] */
export function addConv(
  builder: NetworkBuilder,
  input: Value,
  { kernel, biases, ...rest }: { kernel: Tensor; biases?: Tensor | undefined } & Omit<Window, 'kernel'>,
  where: string,
): Value {
  const [height, width, channels, outputChannels] = kernel.shape as [number, number, number, number];
  if (kernel.shape.length !== 4)
    builder.fail(where, `has weights of shape [${kernel.shape}]; a convolution's have four axes`);
  if (input.shape.length === 3 && channels !== input.shape[2])
    builder.fail(
      where,
      `has a kernel for ${channels} channels, but its input has ${input.shape[2]}; bat-sup does not support groups`,
    );
  const { input: padded, window } = placeWindow(builder, input, { kernel: [height, width], ...rest }, where);
  const attributes = { ...window, outputChannels, biases: biases !== undefined };
  return builder.add(conv, [padded], attributes, { weights: kernel, biases }, where);
}

export const formats: LayerFormats<ConvAttributes> = {
  layer: conv,
  keras: {
    write({ attributes: { kernel, stride, padding, outputChannels, biases } }) {
      const config = {
        filters: outputChannels,
        kernel_size: heightAndWidth(kernel),
        strides: heightAndWidth(stride),
        padding,
        data_format: 'channels_last',
        activation: 'linear',
        use_bias: biases,
      };
      const weights = { kernel: 'weights', ...(biases && { bias: 'biases' }) };
      return { className: 'Conv2D', config, weights };
    },
    read: {
      Conv2D: {
        weights: withBias('kernel'),
        read(reading, [input]) {
          const { builder, layer, weight } = reading;
          expect(reading, { groups: [1] });
          const kernel = required(reading, 'kernel');
          const { strides, padding } = windowOf(reading, kernel.shape.slice(0, 2), layer.config.strides ?? 1);
          return addConv(builder, input, { kernel, biases: weight('bias'), strides, padding }, layer.name);
        },
      },
    },
  },
  onnx: {
    write({ graph, layer, inputs, variable }) {
      const kernel = graph.weights(`${layer.name}/weights`, toOihw(variable('weights') as Tensor), 0);
      const constants = [kernel, ...graph.constants(layer.name, ['biases'], variable)];
      return graph.add('Conv', [...inputs, ...constants], layer.name, onnxWindow(layer));
    },
    read: {
      Conv: {
        read(reading) {
          const kernel = reading.required(1);
          if (kernel.shape.length !== 4)
            reading.fail(
              `has weights of shape [${kernel.shape}]; bat-sup supports convolutions in two dimensions`,
            );
          // One group per channel is a depthwise convolution.
          if (reading.int('group', 1) !== 1) return undefined;
          const options = { kernel: toHwio(kernel), biases: reading.constant(2), ...reading.window() };
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
      // The operator's version for int8 weights with one scale per output is 5.
      const operator = { code: 3, version: graph.weightType === 'int8' ? 5 : 1, options: 1 };
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
    read: readConvolutions('Conv2D', -1, addConv),
  },
};
