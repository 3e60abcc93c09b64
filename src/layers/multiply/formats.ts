import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { type GraphNode, type Match, operationOf } from '../../formats/tensorflow/meanings.ts';
import { multiply } from './layer.ts';

/** Keras takes features as factors of channels; elsewhere they have to be maps. */
export function addProduct(builder: NetworkBuilder, one: Value, other: Value, where: string): Value {
  if (!one.layer || !other.layer)
    builder.fail(
      where,
      'multiplies the pictures themselves; bat-sup can only multiply the outputs of layers',
    );
  return builder.add(multiply, [one, other], {}, {}, where);
}

/** The same, of which features are factors of channels only where the file has them as maps. */
function addBroadcast(builder: NetworkBuilder, one: Value, other: Value, where: string): Value {
  const isOfMaps = [one, other].some(({ shape }) => shape.length === 3);
  if (isOfMaps && [one, other].some(({ shape, asMaps }) => shape.length === 1 && !asMaps))
    builder.fail(where, `multiplies [${one.shape}] by [${other.shape}], which are not the same axes`);
  return addProduct(builder, one, other, where);
}

/** The product of two layers' outputs. */
function readProduct(node: GraphNode): Match | undefined {
  const [one, other] = [operationOf(node.inputs[0]), operationOf(node.inputs[1])];
  if (!one || !other) return undefined;
  return {
    inputs: [one, other],
    make: ({ builder, where }, [a, b]) => addBroadcast(builder, a, b as Value, where),
  };
}

/** Inputs of which features, where they are factors of maps' channels, become maps [1, 1, channels]. */
function withMaps<Input>(inputs: Input[], shapes: number[][], toMaps: (features: Input) => Input): Input[] {
  const hasMaps = shapes.some(({ length }) => length === 3);
  return inputs.map((input, index) => (hasMaps && shapes[index]?.length === 1 ? toMaps(input) : input));
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
    write({ graph, layer, inputs, inputShapes }) {
      const read = withMaps(inputs, inputShapes, (features) => {
        const axes = graph.integers(`${layer.name}/axes`, [2, 3]);
        return graph.add('Unsqueeze', [features, axes], `${layer.name}/factors`);
      });
      return graph.add('Mul', read, layer.name);
    },
    read: {
      Mul: {
        read(reading) {
          const [one, other] = [reading.operand(0), reading.operand(1)];
          if (one.layout !== other.layout)
            reading.fail('multiplies maps with channels first by maps with channels last');
          return reading.like(addBroadcast(reading.builder, one.value, other.value, reading.where));
        },
      },
      // Factors repeated for each pixel, before a product that would repeat them itself.
      Expand: {
        read(reading) {
          const { value } = reading.operand();
          const isOfPixel = value.asMaps || String(value.shape.slice(0, -1)) === '1,1';
          return isOfPixel ? reading.like(value) : undefined;
        },
      },
    },
  },
  tflite: {
    write({ graph, layer: { name, outputShape }, inputs, inputShapes }) {
      const read = withMaps(inputs, inputShapes, (features) => {
        const shape = [1, 1, outputShape[2] as number];
        const sizes = graph.ints(`${name}/shape`, [-1, ...shape]);
        return graph.add({ code: 22, version: 1, options: 17 }, [features, sizes], `${name}/factors`, shape);
      });
      return graph.add({ code: 18, version: 1, options: 21 }, read, name, outputShape);
    },
  },
  pyTorch: {},
  tensorflow: {
    write({ graph, layer, inputs, inputShapes }) {
      const read = withMaps(inputs, inputShapes, (features) =>
        graph.reshape(features, [1, 1, layer.outputShape[2] as number]),
      );
      return graph.add('Mul', read, { name: 'mul' });
    },
    read: { Mul: readProduct },
  },
};
