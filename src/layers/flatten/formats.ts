import { expectChannelsLast } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import type { Item, Reading } from '../../formats/onnx/reading.ts';
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
  // Maps of one pixel have both orders.
  return order === 'chw' && output.shape[0] !== input.shape[2] ? { ...output, chwOf: input.shape } : output;
}

/** Maps with their channels first are flattened channel by channel. */
function readFlatten(reading: Reading) {
  const { value, layout } = reading.operand();
  const order = layout === 'nchw' ? 'chw' : 'hwc';
  return reading.like(addFlatten(reading.builder, value, order, reading.where));
}

/** Reshapes each picture's maps to features, or leaves them as they are. */
function readReshape(reading: Reading): Item {
  const before = reading.dimensions();
  const size = sizeOf(before.slice(1));
  const copiesZero = reading.int('allowzero', 0) === 0;
  const wanted = [...(reading.known(1)?.tensor.values ?? reading.ints('shape') ?? [])];
  const copied = wanted.map((length, axis) => (length === 0 && copiesZero ? (before[axis] ?? 0) : length));
  const [pictures = 0, ...rest] = copied;
  const open = size / -sizeOf(rest);
  const shape = rest.map((length) => (length === -1 ? open : length));
  // A file that is made for one picture says 1 even where their number is open.
  const isOfPictures = Number.isNaN(pictures) || [-1, 1, before[0]].includes(pictures);
  if (isOfPictures && String(shape) === String(before.slice(1))) return reading.operand();
  if (isOfPictures && shape.length === 1 && shape[0] === size) return readFlatten(reading);
  return reading.fail(`reshapes [${before}] to [${wanted}]; bat-sup can only flatten maps to one axis`);
}

/** Takes away height and width of maps of one pixel. */
function readSqueeze(reading: Reading): Item {
  const operand = reading.operand();
  const before = reading.dimensions();
  const axes = reading.ints('axes') ?? reading.known(1)?.tensor.values;
  const counted = axes && [...axes].map((axis) => (axis < 0 ? axis + before.length : axis));
  const squeezed = counted ?? [...before.keys()].filter((axis) => before[axis] === 1);
  // Means over height and width are features already.
  if (operand.value.shape.length === 1 && !squeezed.some((axis) => axis < 2)) return operand;
  const left = before.filter((_, axis) => !squeezed.includes(axis));
  if (squeezed.some((axis) => axis === 0 || before[axis] !== 1) || left.length !== 2)
    reading.fail(`squeezes [${before}] to [${left}]; bat-sup can only flatten maps to one axis`);
  return readFlatten(reading);
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
      Reshape: { read: readReshape },
      Squeeze: { read: readSqueeze },
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
