import { expectLastAxis } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import type { Operand } from '../../formats/onnx/reading.ts';
import { attribute, constant } from '../../formats/tensorflow/attributes.ts';
import { constantOf, type GraphNode, type Match, operationOf } from '../../formats/tensorflow/meanings.ts';
import { concat } from './layer.ts';

export function addConcatenation(builder: NetworkBuilder, inputs: Value[], where: string): Value {
  if (inputs.some(({ layer }) => !layer))
    builder.fail(where, 'reads the pictures themselves; bat-sup can only put the outputs of layers together');
  // A file may name a single input.
  const [first] = inputs as [Value];
  return inputs.length === 1 ? first : builder.add(concat, inputs, {}, {}, where);
}

/** @param node a ConcatV2: the inputs, then the axis. */
function readConcat({ inputs }: GraphNode): Match | undefined {
  const read = inputs.slice(0, -1).map(operationOf);
  const operations = read.flatMap((one) => one ?? []);
  const [axis] = constantOf(inputs.at(-1))?.values ?? [];
  const isFlat = operations.every((one) => one.isFlat);
  const isOfChannels = axis === -1 || axis === (isFlat ? 1 : 3);
  if (operations.length < read.length || operations.length === 0 || !isOfChannels) return undefined;
  return {
    inputs: operations,
    isFlat,
    make: ({ builder, where }, values) => addConcatenation(builder, values, where),
  };
}

export const formats: LayerFormats<object> = {
  layer: concat,
  keras: {
    write: () => ({ className: 'Concatenate', config: { axis: -1 } }),
    read: {
      Concatenate: {
        read(reading, inputs) {
          expectLastAxis(reading, inputs[0].shape.length);
          return addConcatenation(reading.builder, inputs, reading.layer.name);
        },
      },
    },
  },
  onnx: {
    write: ({ graph, layer, inputs }) => graph.add('Concat', inputs, layer.name, { axis: 1 }),
    read: {
      Concat: {
        read(reading) {
          if (reading.inputs.length === 0) reading.fail('has no inputs');
          const operands = reading.inputs.map((_, index) => reading.operand(index));
          const [{ value, layout }] = operands as [Operand];
          if (operands.some((one) => one.layout !== layout))
            reading.fail('puts maps with channels first beside maps with channels last');
          const rank = value.shape.length + 1;
          const axis = reading.int('axis', Number.NaN);
          if ((axis < 0 ? axis + rank : axis) !== (layout === 'nchw' ? 1 : rank - 1))
            reading.fail(`concatenates along axis ${axis}; bat-sup supports only that of the channels`);
          const values = operands.map((one) => one.value);
          return reading.like(addConcatenation(reading.builder, values, reading.where));
        },
      },
    },
  },
  tflite: {
    write({ graph, layer, inputs }) {
      const axis = [{ slot: 0, int32: layer.outputShape.length }];
      return graph.add({ code: 2, version: 1, options: 10 }, inputs, layer.name, layer.outputShape, axis);
    },
  },
  pyTorch: {},
  tensorflow: {
    write({ graph, layer, inputs }) {
      const axis = graph.constant('concat/axis', constant.integer(layer.outputShape.length));
      const attributes = { N: attribute.integer(inputs.length) };
      return graph.add('ConcatV2', [...inputs, axis], { name: 'concat', attributes });
    },
    read: { ConcatV2: readConcat },
  },
};
