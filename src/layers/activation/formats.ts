import { expect } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { operationOf } from '../../formats/tensorflow/meanings.ts';
import { type ActivationAttributes, activation } from './layer.ts';

export function addRelu(builder: NetworkBuilder, input: Value, where: string): Value {
  return builder.add(activation, [input], { function: 'relu' }, {}, where);
}

export const formats: LayerFormats<ActivationAttributes> = {
  layer: activation,
  keras: {
    write: () => ({ className: 'Activation', config: { activation: 'relu' } }),
    read: {
      ReLU: {
        read(reading, [input]) {
          expect(reading, { max_value: [null], negative_slope: [0], threshold: [0] });
          return addRelu(reading.builder, input, reading.layer.name);
        },
      },
    },
    activations: { relu: { function: 'relu' } },
  },
  onnx: {
    write: ({ graph, layer, inputs }) => graph.add('Relu', inputs, layer.name),
    read: {
      Relu: {
        read: (reading) => reading.like(addRelu(reading.builder, reading.operand().value, reading.where)),
      },
    },
  },
  tflite: {
    write: ({ graph, layer, inputs }) =>
      graph.add({ code: 19, version: 1, options: 0 }, inputs, layer.name, layer.outputShape),
  },
  pyTorch: {},
  tensorflow: {
    write: ({ graph, inputs }) => graph.add('Relu', inputs),
    read: {
      Relu({ inputs: [node] }) {
        const input = operationOf(node);
        return input && { inputs: [input], make: ({ builder, where }, [x]) => addRelu(builder, x, where) };
      },
    },
  },
};
