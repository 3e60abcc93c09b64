import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { type GraphNode, type Match, operationOf } from '../../formats/tensorflow/meanings.ts';
import { multiply } from './layer.ts';

export function addProduct(builder: NetworkBuilder, one: Value, other: Value, where: string): Value {
  if (!one.layer || !other.layer)
    builder.fail(
      where,
      'multiplies the pictures themselves; bat-sup can only multiply the outputs of layers',
    );
  return builder.add(multiply, [one, other], {}, {}, where);
}

/** The product of two layers' outputs. */
function readProduct(node: GraphNode): Match | undefined {
  const [one, other] = [operationOf(node.inputs[0]), operationOf(node.inputs[1])];
  if (!one || !other) return undefined;
  return {
    inputs: [one, other],
    make: ({ builder, where }, [a, b]) => addProduct(builder, a, b as Value, where),
  };
}

export const formats: LayerFormats<object> = {
  layer: multiply,
  keras: {
    write: () => ({ className: 'Multiply', config: {} }),
    read: {
      Multiply: {
        read({ builder, layer }, [one, other, ...rest]) {
          if (!other || rest.length > 0)
            return builder.fail(
              layer.name,
              'does not have two inputs; bat-sup multiplies exactly two layers',
            );
          return addProduct(builder, one, other, layer.name);
        },
      },
    },
  },
  onnx: {
    write: ({ graph, layer, inputs }) => graph.add('Mul', inputs, layer.name),
    read: {
      Mul: {
        read(reading) {
          const [one, other] = [reading.operand(0), reading.operand(1)];
          if (one.layout !== other.layout)
            reading.fail('multiplies maps with channels first by maps with channels last');
          return reading.like(addProduct(reading.builder, one.value, other.value, reading.where));
        },
      },
    },
  },
  tflite: {
    write: ({ graph, layer, inputs }) =>
      graph.add({ code: 18, version: 1, options: 21 }, inputs, layer.name, layer.outputShape),
  },
  pyTorch: {},
  tensorflow: {
    write: ({ graph, inputs }) => graph.add('Mul', inputs, { name: 'mul' }),
    read: { Mul: readProduct },
  },
};
