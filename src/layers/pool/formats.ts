import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { type Window as FileWindow, placeWindow } from '../../formats/windows.ts';
import { poolingFormats } from '../pooling_formats.ts';
import type { Window } from '../window.ts';
import { kerasGlobalMax, onnxGlobalMax, tensorFlowGlobalMax } from './global_max.ts';
import { pool } from './layer.ts';

export function addMaxPool(
  builder: NetworkBuilder,
  input: Value,
  fileWindow: FileWindow,
  where: string,
): Value {
  const { input: padded, window } = placeWindow(builder, input, fileWindow, where);
  // Other libraries pad with minus infinity, which equals padding with zeros only if nothing is below zero.
  if (padded !== input && !input.isNonNegative)
    builder.fail(
      where,
      `pads maps that may be negative by [${fileWindow.padding}]; bat-sup's pooling can do that only after a ReLU`,
    );
  return builder.add(pool, [padded], window, {}, where);
}

const { keras, onnx, tflite, tensorflow } = poolingFormats({
  add: addMaxPool,
  keras: 'MaxPooling2D',
  onnx: 'MaxPool',
  tfliteCode: 17,
  tensorFlow: 'MaxPool',
  readOnnx: (reading, kernel) => ({
    window: { kernel, ...reading.window() },
    input: reading.channelsFirst(),
  }),
});

export const formats: LayerFormats<Window> = {
  layer: pool,
  pyTorch: {},
  tflite,
  keras: { ...keras, read: { ...keras.read, GlobalMaxPooling2D: kerasGlobalMax } },
  onnx: { ...onnx, read: { ...onnx.read, GlobalMaxPool: onnxGlobalMax } },
  tensorflow: { ...tensorflow, read: { ...tensorflow.read, Max: tensorFlowGlobalMax } },
};
