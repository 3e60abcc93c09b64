import { expectChannelsLast } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import type { Reading } from '../../formats/onnx/reading.ts';
import { lengthOf, operationOf } from '../../formats/tensorflow/meanings.ts';
import { sizeOf } from '../../tensors/shape.ts';
import { flatten } from './layer.ts';

/** @param order of the maps' values in the result. */
export function addFlatten(
  builder: NetworkBuilder,
  input: Value,
  order: 'hwc' | 'chw',
  where: string,
): Value {
  if (input.shape.length === 1) return input;
  const output = builder.add(flatten, [input], {}, {}, where);
  return order === 'chw' ? { ...output, chwOf: input.shape } : output;
}

/** Maps with their channels first are flattened channel by channel. */
function readFlatten(reading: Reading) {
  const { value, layout } = reading.operand();
  const order = layout === 'nchw' ? 'chw' : 'hwc';
  return reading.like(addFlatten(reading.builder, value, order, reading.where));
}

export const formats: LayerFormats<object> = {
  layer: flatten,
  keras: {
    write: () => ({ className: 'Flatten', config: { data_format: 'channels_last' } }),
    read: {
      Flatten: {
        read(reading, [input]) {
          expectChannelsLast(reading);
          return addFlatten(reading.builder, input, 'hwc', reading.layer.name);
        },
      },
    },
  },
  onnx: {
    write: ({ graph, layer, inputs }) => graph.add('Flatten', inputs, layer.name, { axis: 1 }),
    read: {
      Flatten: {
        read(reading) {
          const axis = reading.int('axis', 1);
          const rank = reading.operand().value.shape.length + 1;
          if (axis !== 1 && axis !== 1 - rank)
            reading.fail(`flattens from axis ${axis}; bat-sup supports only axis 1`);
          return readFlatten(reading);
        },
      },
      Reshape: {
        read(reading) {
          const { value } = reading.operand();
          const isKnown = reading.inputs[1]?.kind === 'constant';
          const wanted = isKnown ? [...reading.required(1).values] : undefined;
          const features = wanted?.[1];
          const fits =
            !wanted || (wanted.length === 2 && (features === -1 || features === sizeOf(value.shape)));
          if (!fits)
            reading.fail(
              `reshapes [${value.shape}] to [${wanted}]; bat-sup can only flatten maps to one axis`,
            );
          return readFlatten(reading);
        },
      },
      Squeeze: { read: readFlatten },
    },
  },
  tflite: {
    write({ graph, layer, inputs }) {
      const shape = graph.ints(`${layer.name}/shape`, [-1, layer.outputShape[0] as number]);
      const reshape = { code: 22, version: 1, options: 17 };
      return graph.add(reshape, [...inputs, shape], layer.name, layer.outputShape);
    },
  },
  pyTorch: {},
  tensorflow: {
    write: ({ graph, layer, inputs: [maps] }) => graph.reshape(maps, layer.outputShape),
    read: {
      // To [batch, features], where the batch may be -1 or computed.
      Reshape({ inputs: [maps, shape] }) {
        const input = operationOf(maps);
        if (!input || lengthOf(shape) !== 2) return undefined;
        return {
          inputs: [input],
          isFlat: true,
          make: ({ builder, where }, [x]) => addFlatten(builder, x, 'hwc', where),
        };
      },
    },
  },
};
