import { pairOf, windowOf } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import type { Reading } from '../../formats/onnx/reading.ts';
import { onnxWindow } from '../../formats/onnx/window.ts';
import { attribute, windowAttributes } from '../../formats/tensorflow/attributes.ts';
import { type GraphNode, type Match, operationOf } from '../../formats/tensorflow/meanings.ts';
import { windowOf as tensorFlowWindow } from '../../formats/tensorflow/reading.ts';
import { windowFields } from '../../formats/tflite/window.ts';
import {
  equivalentPadding,
  type Window as FileWindow,
  type Padding,
  placeWindow,
} from '../../formats/windows.ts';
import { addGlobalAveragePool } from '../global_average_pool/formats.ts';
import { axesOf, heightAndWidth, samePadding, type Window, windowsAlong } from '../window.ts';
import { addZeroPadding } from '../zero_padding/formats.ts';
import { averagePool } from './layer.ts';

/**
 * Adds an average pooling, or where it has a single window over all of the maps, a global one, for which the size of the
 * pictures is no matter.
 * @param fileWindow its padding is not counted.
 */
export function addAveragePool(
  builder: NetworkBuilder,
  input: Value,
  fileWindow: FileWindow,
  where: string,
): Value {
  if (!isOneRule(input, fileWindow)) {
    const [down, across] = eachAxis(fileWindow);
    if (![down, across].every((one) => isOneRule(input, one)))
      builder.fail(
        where,
        `leaves its padding [${fileWindow.padding}] out of the means; bat-sup can do that only where it is that of TensorFlow's SAME`,
      );
    // The mean of a window is that of the means of its columns, which are all as long.
    return addAveragePool(builder, addAveragePool(builder, input, down, where), across, where);
  }
  const { window } = placeWindow(builder, input, fileWindow, where);
  const axes = axesOf(window);
  // As PyTorch's AdaptiveAvgPool2d where the maps have its size already.
  if (axes.every(({ kernel, stride }) => kernel === 1 && stride === 1)) return input;
  const isGlobal = axes.every((axis, index) => {
    const length = input.shape[index] as number;
    return axis.kernel >= length && windowsAlong(length, axis) === 1;
  });
  return isGlobal
    ? addGlobalAveragePool(builder, input, true, where)
    : builder.add(averagePool, [input], window, {}, where);
}

/** Whether one rule places the window on both axes, or the window is one that placeWindow refuses. */
function isOneRule({ shape }: Value, { kernel, strides, padding }: FileWindow): boolean {
  if (kernel.length !== 2 || strides.length !== 2 || shape.length !== 3) return true;
  const sizes = { kernel, stride: strides } as Pick<Window, 'kernel' | 'stride'>;
  return equivalentPadding(padding, shape, sizes) !== undefined;
}

/** A window as high, and one as wide as this one. @param window its padding is in pixels. */
function eachAxis({ kernel, strides, padding }: FileWindow): [down: FileWindow, across: FileWindow] {
  const [height, width] = kernel as [number, number];
  const [down, across] = strides as [number, number];
  const [top, left, bottom, right] = padding as [number, number, number, number];
  return [
    { kernel: [height, 1], strides: [down, 1], padding: [top, 0, bottom, 0] },
    { kernel: [1, width], strides: [1, across], padding: [0, left, 0, right] },
  ];
}

/** Pads with zeros, which count in the means. @returns the maps, and the padding that is left, which does not count. */
function withCountedPadding(reading: Reading, kernel: number[]): { input: Value; window: FileWindow } {
  const { strides, padding } = reading.window();
  const input = reading.channelsFirst();
  if (padding === 'valid') return { input, window: { kernel, strides, padding } };
  const given = reading.text('auto_pad') === 'SAME_LOWER' ? padding : (reading.ints('pads') ?? [0, 0, 0, 0]);
  const pads = padding === 'same' ? samePads(input, kernel, strides) : (given as number[]);
  const [, , bottom = 0, right = 0] = pads;
  const left: Padding = padding === 'same' ? 'valid' : [0, 0, padding[2] - bottom, padding[3] - right];
  const isPadded = pads.some((pixels) => pixels !== 0);
  const padded = isPadded ? addZeroPadding(reading.builder, input, pads, reading.where) : input;
  return { input: padded, window: { kernel, strides, padding: left } };
}

/** [top, left, bottom, right] */
function samePads({ shape }: Value, kernel: number[], strides: number[]): number[] {
  const [down, across] = [0, 1].map((axis) =>
    samePadding(shape[axis] as number, { kernel: kernel[axis] as number, stride: strides[axis] as number }),
  );
  return [down?.before, across?.before, down?.after, across?.after].map(Number);
}

/** @param node an AvgPool. */
function readAvgPool(node: GraphNode): Match | undefined {
  const input = operationOf(node.inputs[0]);
  const window = tensorFlowWindow(node);
  const sizes = node.attributes.get('ksize')?.list?.i ?? [];
  if (!window || !input || sizes.length !== 4 || sizes[0] !== 1 || sizes[3] !== 1) return undefined;
  const kernel = sizes.slice(1, 3);
  return {
    inputs: [input],
    make: ({ builder, where }, [x]) => addAveragePool(builder, x, { kernel, ...window }, where),
  };
}

export const formats: LayerFormats<Window> = {
  layer: averagePool,
  keras: {
    write: ({ attributes: { kernel, stride, padding } }) => ({
      className: 'AveragePooling2D',
      config: {
        pool_size: heightAndWidth(kernel),
        strides: heightAndWidth(stride),
        padding,
        data_format: 'channels_last',
      },
    }),
    read: {
      AveragePooling2D: {
        read(reading, [input]) {
          const { builder, layer } = reading;
          const kernel = pairOf(layer.config.pool_size ?? 2);
          const window = windowOf(reading, kernel, layer.config.strides ?? kernel);
          return addAveragePool(builder, input, window, layer.name);
        },
      },
    },
  },
  onnx: {
    write: ({ graph, layer, inputs }) => graph.add('AveragePool', inputs, layer.name, onnxWindow(layer)),
    read: {
      AveragePool: {
        read(reading) {
          const kernel = reading.ints('kernel_shape') ?? [];
          const { input, window } =
            reading.int('count_include_pad', 0) === 1
              ? withCountedPadding(reading, kernel)
              : { input: reading.channelsFirst(), window: { kernel, ...reading.window() } };
          return reading.maps(addAveragePool(reading.builder, input, window, reading.where));
        },
      },
    },
  },
  tflite: {
    write({ graph, layer, inputs }) {
      const [height, width] = heightAndWidth(layer.attributes.kernel);
      // The width comes first.
      const sizes = [
        { slot: 3, int32: width },
        { slot: 4, int32: height },
      ];
      const options = [...windowFields(layer.attributes), ...sizes];
      return graph.add({ code: 1, version: 1, options: 5 }, inputs, layer.name, layer.outputShape, options);
    },
  },
  pyTorch: {},
  tensorflow: {
    write({ graph, layer, inputs }) {
      const kernel = { ksize: attribute.size2D(layer.attributes.kernel) };
      const attributes = { ...kernel, ...windowAttributes(layer.attributes) };
      return graph.add('AvgPool', inputs, { attributes });
    },
    read: { AvgPool: readAvgPool },
  },
};
