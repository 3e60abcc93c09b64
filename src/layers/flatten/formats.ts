import { expectChannelsLast } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import type { NodeMessage } from '../../formats/onnx/protos.ts';
import { type Item, type Reading, shapeText } from '../../formats/onnx/reading.ts';
import {
  constantOf,
  type GraphNode,
  type Match,
  numbersOf,
  operationOf,
} from '../../formats/tensorflow/meanings.ts';
import { sizeOf } from '../../tensors/shape.ts';
import { addMaps } from '../global_average_pool/formats.ts';
import { globalAveragePool } from '../global_average_pool/layer.ts';
import { flatten } from './layer.ts';

/** @param order of the maps' values in the result. */
export function addFlatten(
  builder: NetworkBuilder,
  input: Value,
  order: 'hwc' | 'chw',
  where: string,
): Value {
  const { asMaps, ...features } = input;
  if (input.shape.length === 1) return features;
  // Means of maps are features from the start.
  const means =
    builder.kindOf(input) === globalAveragePool.kind && builder.revise(input, globalAveragePool, {}, where);
  if (means) return means;
  const output = builder.add(flatten, [input], {}, {}, where);
  // Maps of one pixel have both orders.
  return order === 'chw' && output.shape[0] !== input.shape[2] ? { ...output, chwOf: input.shape } : output;
}

/** Lengths of which at most one is -1, for this many numbers. */
function wholeShape(wanted: number[], size: number): number[] {
  const open = size / -sizeOf(wanted);
  return wanted.map((length) => (length === -1 ? open : length));
}

/**
 * Flattens maps whose channels are last, or makes features maps of one pixel.
 * @param wanted [height, width, channels] or [features]; at most one is -1.
 */
function addReshape(builder: NetworkBuilder, input: Value, wanted: number[], where: string): Value {
  const { shape, asMaps } = input;
  const before = asMaps ? [1, 1, ...shape] : shape;
  const whole = String(wholeShape(wanted, sizeOf(shape)));
  if (whole === String(before)) return input;
  if (whole === String(sizeOf(shape))) return addFlatten(builder, input, 'hwc', where);
  if (whole === `1,1,${before}`) return addMaps(builder, input, where);
  return builder.fail(
    where,
    `reshapes ${shapeText(before)} to ${shapeText(wanted)}; bat-sup can only flatten maps, or make features maps of one pixel`,
  );
}

/** Maps with their channels first are flattened channel by channel. */
function readFlatten(reading: Reading) {
  const { value, layout } = reading.operand();
  const order = layout === 'nchw' ? 'chw' : 'hwc';
  return reading.like(addFlatten(reading.builder, value, order, reading.where));
}

/** Reshapes each picture's maps to features, or features to maps of one pixel, or leaves them as they are. */
function readReshape(reading: Reading): Item {
  const before = reading.dimensions();
  const size = sizeOf(before.slice(1));
  const copiesZero = reading.int('allowzero', 0) === 0;
  const wanted = [...(reading.known(1)?.tensor.values ?? reading.ints('shape') ?? [])];
  const copied = wanted.map((length, axis) => (length === 0 && copiesZero ? (before[axis] ?? 0) : length));
  const [pictures = 0, ...rest] = copied;
  const shape = wholeShape(rest, size);
  // A file that is made for one picture says 1 even where their number is open.
  const isOfPictures = Number.isNaN(pictures) || [-1, 1, before[0]].includes(pictures);
  if (isOfPictures && String(shape) === String(before.slice(1))) return reading.operand();
  if (isOfPictures && shape.length === 1 && shape[0] === size) return readFlatten(reading);
  if (isOfPictures && before.length === 2 && String(shape) === `${size},1,1`) return readMaps(reading);
  return reading.fail(
    `reshapes ${shapeText(before)} to ${shapeText(wanted)}; bat-sup can only flatten maps to one axis`,
  );
}

/** The axes of a Squeeze, which later operator sets have as an input; undefined: all of length 1. */
function axesOf({ constants }: Reading, { attribute, input }: NodeMessage): number[] | undefined {
  const axes = attribute.find(({ name }) => name === 'axes')?.ints ?? constants(input[1] ?? '')?.values;
  return axes && [...axes];
}

function squeezedAxes(reading: Reading, before: number[]): number[] {
  const axes = axesOf(reading, reading.node) ?? [...before.keys()].filter((axis) => before[axis] === 1);
  return axes.map((axis) => (axis < 0 ? axis + before.length : axis));
}

/** Whether the next node takes away the other of two axes, as x.squeeze(-1).squeeze(-1) writes it. */
function followedBySqueeze(reading: Reading): boolean {
  const before = reading.dimensions();
  return reading.next?.op_type === 'Squeeze' && before.length - squeezedAxes(reading, before).length === 3;
}

/** Takes away height and width of maps of one pixel. */
function readSqueeze(reading: Reading): Item {
  const before = reading.dimensions();
  const squeezed = squeezedAxes(reading, before);
  if (followedBySqueeze(reading)) {
    const kept = [...before.keys()].filter((axis) => !squeezed.includes(axis));
    const axes = axesOf(reading, reading.next as NodeMessage) ?? [];
    squeezed.push(...axes.map((axis) => kept.at(axis) ?? Number.NaN));
  }
  const left = before.filter((_, axis) => !squeezed.includes(axis));
  if (squeezed.some((axis) => axis === 0 || before[axis] !== 1) || left.length !== 2)
    reading.fail(
      `squeezes ${shapeText(before)} to ${shapeText(left)}; bat-sup can only flatten maps to one axis`,
    );
  return readFlatten(reading);
}

/** Features as maps [batch, 1, 1, features], as Keras's Multiply makes them. @param node the second of two ExpandDims. */
function readExpansion({ inputs: [first, axis] }: GraphNode): Match | undefined {
  const input = first?.op === 'ExpandDims' ? operationOf(first.inputs[0]) : undefined;
  const axes = [first?.inputs[1], axis].map((one) => constantOf(one)?.values.join());
  if (!input?.isFlat || axes[0] !== '1' || !['1', '2'].includes(axes[1] ?? '')) return undefined;
  return { inputs: [input], make: ({ builder, where }, [x]) => addMaps(builder, x, where) };
}

/** Features as maps [batch, features, 1, 1]. */
function readMaps(reading: Reading): Item {
  const { value } = reading.operand();
  if (value.chwOf) reading.fail('makes maps of others that were flattened');
  return reading.maps(addMaps(reading.builder, value, reading.where));
}

function readUnsqueeze(reading: Reading): Item | undefined {
  if (reading.inputs[0]?.kind !== 'value') return undefined;
  const axes = reading.ints('axes') ?? [...(reading.known(1)?.tensor.values ?? [])];
  const counted = axes.map((axis) => (axis < 0 ? axis + 4 : axis)).sort();
  if (reading.dimensions().length !== 2 || counted.join() !== '2,3')
    reading.fail(`adds the axes ${axes}; bat-sup can only make maps [batch, features, 1, 1] of features`);
  return readMaps(reading);
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
      Reshape: {
        read({ builder, layer }, [input]) {
          const wanted = [layer.config.target_shape].flat().map(Number);
          return addReshape(builder, input, wanted, layer.name);
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
      Squeeze: { read: readSqueeze, takesNext: followedBySqueeze },
      Unsqueeze: { read: readUnsqueeze },
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
      ExpandDims: readExpansion,
      // To [batch, features] or [batch, height, width, channels], where the batch may be -1 or computed.
      Reshape({ inputs: [maps, shape] }) {
        const input = operationOf(maps);
        const [, ...wanted] = numbersOf(shape) ?? [];
        if (!input || (wanted.length !== 1 && wanted.length !== 3)) return undefined;
        return {
          inputs: [input],
          isFlat: wanted.length === 1,
          make({ builder, where }, [x]) {
            const known = wanted.length === 1 ? [-1] : wanted.map((length) => length ?? Number.NaN);
            return addReshape(builder, x, known, where);
          },
        };
      },
      // Maps of one pixel without their height and width.
      Squeeze({ attributes, inputs: [maps] }) {
        const input = operationOf(maps);
        const axes = attributes.get('squeeze_dims')?.list?.i ?? [];
        if (!input || axes.join() !== '1,2') return undefined;
        return {
          inputs: [input],
          isFlat: true,
          make: ({ builder, where }, [x]) => addReshape(builder, x, [-1], where),
        };
      },
    },
  },
};
