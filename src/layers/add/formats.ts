import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import type { Item, Reading } from '../../formats/onnx/reading.ts';
import { type GraphNode, type Match, operationOf } from '../../formats/tensorflow/meanings.ts';
import { isNhwc } from '../../formats/tensorflow/reading.ts';
import { add } from './layer.ts';

export function addAddition(builder: NetworkBuilder, one: Value, other: Value, where: string): Value {
  if (!one.layer || !other.layer)
    builder.fail(where, 'adds the pictures themselves; bat-sup can only add the outputs of layers');
  return builder.add(add, [one, other], {}, {}, where);
}

/** The sum of two layers' outputs. */
function readAddition(node: GraphNode): Match | undefined {
  const [one, other] = [operationOf(node.inputs[0]), operationOf(node.inputs[1])];
  if (!one || !other || !isNhwc(node)) return undefined;
  return {
    inputs: [one, other],
    make: ({ builder, where }, [a, b]) => addAddition(builder, a, b as Value, where),
  };
}

function readSum(reading: Reading): Item {
  if (reading.inputs.length === 0) reading.fail('has no inputs');
  const operands = reading.inputs.map((_, index) => reading.operand(index));
  if (operands.some(({ layout }) => layout !== operands[0]?.layout))
    reading.fail('adds maps with channels first to maps with channels last');
  const values = operands.map(({ value }) => value);
  return reading.like(values.reduce((sum, one) => addAddition(reading.builder, sum, one, reading.where)));
}

/** The sum of any number of layers' outputs, as TensorFlow's optimizer writes several sums. */
function readSums({ inputs }: GraphNode): Match | undefined {
  const [one, ...others] = inputs.map(operationOf);
  const read = others.flatMap((other) => other ?? []);
  if (!one || read.length < others.length) return undefined;
  return {
    inputs: [one, ...read],
    make: ({ builder, where }, [first, ...rest]) =>
      rest.reduce((sum, other) => addAddition(builder, sum, other, where), first),
  };
}

export const formats: LayerFormats<object> = {
  layer: add,
  keras: {
    write: () => ({ className: 'Add', config: {} }),
    read: {
      Add: {
        read({ builder, layer }, [one, ...others]) {
          if (others.length === 0) builder.fail(layer.name, 'adds up a single layer');
          return others.reduce((sum, other) => addAddition(builder, sum, other, layer.name), one);
        },
      },
    },
  },
  onnx: {
    write: ({ graph, layer, inputs }) => graph.add('Add', inputs, layer.name),
    read: { Add: { read: readSum }, Sum: { read: readSum } },
  },
  tflite: {
    write: ({ graph, layer, inputs }) =>
      graph.add({ code: 0, version: 1, options: 11 }, inputs, layer.name, layer.outputShape),
  },
  pyTorch: {},
  tensorflow: {
    write: ({ graph, inputs }) => graph.add('Add', inputs, { name: 'add' }),
    read: { Add: readAddition, AddV2: readAddition, AddN: readSums, BiasAdd: readAddition },
  },
};
