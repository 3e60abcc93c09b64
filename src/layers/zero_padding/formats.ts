import { expectChannelsLast, twoOf } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { constant } from '../../formats/tensorflow/attributes.ts';
import { constantOf, type GraphNode, type Match, operationOf } from '../../formats/tensorflow/meanings.ts';
import { type ZeroPaddingOptions, zeroPadding } from './layer.ts';

/** @param sides [top, left, bottom, right] */
export function addZeroPadding(builder: NetworkBuilder, input: Value, sides: number[], where: string): Value {
  if (sides.length !== 4)
    builder.fail(where, `has the padding [${sides}]; expected one number for each of four sides`);
  const [top, left, bottom, right] = sides as [number, number, number, number];
  return builder.add(zeroPadding, [input], { top, left, bottom, right }, {}, where);
}

/** @param node a Pad. */
function readPad({ inputs: [maps, paddings] }: GraphNode): Match | undefined {
  const input = operationOf(maps);
  const values = constantOf(paddings)?.values ?? [];
  if (!input || values.length !== 8) return undefined;
  const [first, second, top, bottom, left, right, ...last] = values as [number, ...number[]];
  if ([first, second, ...last].some((pixels) => pixels !== 0)) return undefined;
  const sides = [top, left, bottom, right] as number[];
  return {
    inputs: [input],
    make: ({ builder, where }, [x]) => addZeroPadding(builder, x, sides, where),
  };
}

export const formats: LayerFormats<ZeroPaddingOptions> = {
  layer: zeroPadding,
  keras: {
    write({ attributes: { top, left, bottom, right } }) {
      const padding = [
        [top, bottom],
        [left, right],
      ];
      return { className: 'ZeroPadding2D', config: { padding, data_format: 'channels_last' } };
    },
    read: {
      ZeroPadding2D: {
        read(reading, [input]) {
          expectChannelsLast(reading);
          // One number for all sides, one for each axis, or [[top, bottom], [left, right]].
          const [vertical, horizontal] = twoOf(reading.layer.config.padding ?? 1).map(twoOf);
          const [top, bottom] = (vertical ?? []).map(Number);
          const [left, right] = (horizontal ?? []).map(Number);
          const sides = [top, left, bottom, right].map((side) => side ?? Number.NaN);
          return addZeroPadding(reading.builder, input, sides, reading.layer.name);
        },
      },
    },
  },
  onnx: {
    write({ graph, layer, inputs }) {
      const { top, left, bottom, right } = layer.attributes;
      const pads = graph.integers(`${layer.name}/pads`, [0, 0, top, left, 0, 0, bottom, right]);
      return graph.add('Pad', [...inputs, pads], layer.name);
    },
    read: {
      Pad: {
        read(reading) {
          const { value, layout } = reading.operand();
          const pads = reading.ints('pads') ?? [...reading.required(1).values];
          const isPlain = ['', 'constant'].includes(reading.text('mode') ?? '') && !reading.inputs[3];
          if (!isPlain || pads.length !== 8)
            reading.fail('does not pad maps with zeros around them; bat-sup supports no other padding');
          if ((reading.constant(2)?.values[0] ?? reading.float('value', 0)) !== 0)
            reading.fail('pads with another value than 0');
          // The axis of the height in [batch, channels, height, width] or [batch, height, width, channels].
          const first = layout === 'nchw' ? 2 : 1;
          const sides = [first, first + 1, first + 4, first + 5];
          if (pads.some((pad, axis) => pad !== 0 && !sides.includes(axis)))
            reading.fail(`has pads [${pads}]; bat-sup pads only height and width`);
          if (pads.every((pad) => pad === 0)) return reading.operand();
          const around = sides.map((side) => pads[side] as number);
          return reading.like(addZeroPadding(reading.builder, value, around, reading.where));
        },
      },
    },
  },
  tflite: {
    write({ graph, layer, inputs }) {
      const { top, left, bottom, right } = layer.attributes;
      const paddings = [0, 0, top, bottom, left, right, 0, 0];
      const around = graph.ints(`${layer.name}/paddings`, paddings, [4, 2]);
      const pad = { code: 34, version: 1, options: 22 };
      return graph.add(pad, [...inputs, around], layer.name, layer.outputShape);
    },
  },
  pyTorch: {},
  tensorflow: {
    write({ graph, layer, inputs: [maps] }) {
      const { top, left, bottom, right } = layer.attributes;
      const sides = constant.integers([0, 0, top, bottom, left, right, 0, 0], [4, 2]);
      return graph.add('Pad', [maps, graph.constant('Pad/paddings', sides)]);
    },
    read: { Pad: readPad },
  },
};
