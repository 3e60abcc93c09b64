import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import type { Reading } from '../../formats/onnx/reading.ts';
import {
  equivalentPadding,
  type Window as FileWindow,
  type Padding,
  placeWindow,
} from '../../formats/windows.ts';
import { addGlobalAveragePool } from '../global_average_pool/formats.ts';
import { pool } from '../pool/layer.ts';
import { poolingFormats } from '../pooling_formats.ts';
import { axesOf, samePadding, shortestSizes, type Window, windowsAlong } from '../window.ts';
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
    if (isCentred(input, fileWindow)) return addCentredMeans(builder, input, fileWindow, where);
    const [down, across] = eachAxis(fileWindow);
    if (![down, across].every((one) => isOneRule(input, one) || isCentred(input, one)))
      builder.fail(
        where,
        `leaves its padding [${fileWindow.padding}] out of the means; bat-sup can do that only for odd windows in the middle of it, or where it is that of TensorFlow's SAME`,
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

/** Whether the first window is in the middle around the first pixel, and so is each one around its own. */
function isCentred({ shape }: Value, { kernel, strides, padding }: FileWindow): boolean {
  return [0, 1].every((axis) => {
    const [length, size, stride] = [shape[axis], kernel[axis], strides[axis]] as [number, number, number];
    const [before, after] = [padding[axis], padding[axis + 2]] as [number, number];
    const windows = Math.floor((length + before + after - size) / stride) + 1;
    return size === 2 * before + 1 && windows === Math.ceil(length / stride);
  });
}

/** The means around each pixel, of which the strides take some. */
function addCentredMeans(builder: NetworkBuilder, input: Value, window: FileWindow, where: string): Value {
  const { kernel, strides } = window;
  const means = addAveragePool(builder, input, { kernel, strides: [1, 1], padding: 'same' }, where);
  const stride = strides as [number, number];
  return builder.add(pool, [means], { ...shortestSizes({ kernel: 1, stride }), padding: 'valid' }, {}, where);
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

export const formats: LayerFormats<Window> = {
  layer: averagePool,
  pyTorch: {},
  ...poolingFormats({
    add: addAveragePool,
    keras: 'AveragePooling2D',
    onnx: 'AveragePool',
    tfliteCode: 1,
    tensorFlow: 'AvgPool',
    readOnnx: (reading, kernel) =>
      reading.int('count_include_pad', 0) === 1
        ? withCountedPadding(reading, kernel)
        : { input: reading.channelsFirst(), window: { kernel, ...reading.window() } },
  }),
};
