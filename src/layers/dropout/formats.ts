import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { shortestDecimal } from '../../text/shortest_decimal.ts';
import { type DropoutOptions, dropout } from './layer.ts';

export function addDropout(builder: NetworkBuilder, input: Value, rate: number, where: string): Value {
  return builder.add(dropout, [input], { rate }, {}, where);
}

export const formats: LayerFormats<DropoutOptions> = {
  layer: dropout,
  keras: {
    write: ({ attributes: { rate } }) => ({ className: 'Dropout', config: { rate } }),
    read: {
      Dropout: {
        read: ({ builder, layer }, [input]) =>
          addDropout(builder, input, Number(layer.config.rate), layer.name),
      },
    },
  },
  onnx: {
    write({ graph, layer, inputs }) {
      const values = Float32Array.of(layer.attributes.rate);
      const rate = graph.constant(`${layer.name}/rate`, { shape: [], values });
      return graph.add('Dropout', [...inputs, rate], layer.name);
    },
    read: {
      Dropout: {
        read(reading) {
          const rate = reading.constant(1)?.values[0] ?? reading.float('ratio', 0.5);
          const { value } = reading.operand();
          return reading.like(addDropout(reading.builder, value, shortestDecimal(rate), reading.where));
        },
      },
    },
  },
  // In inference it does nothing, so it is left out.
  tflite: { write: ({ inputs }) => inputs[0] as number },
  pyTorch: {},
  tensorflow: {
    // A network exported for inference leaves it out.
    write: ({ graph, inputs, isTraining }) => (isTraining ? graph.add('Dropout', inputs) : inputs[0]),
    // In a graph for inference at most an identity is left of it, which formats/tensorflow/operations.ts skips.
    read: {},
  },
};
