import { pairOf, windowOf } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { onnxWindow } from '../../formats/onnx/window.ts';
import { attribute, windowAttributes } from '../../formats/tensorflow/attributes.ts';
import { type GraphNode, type Match, operationOf } from '../../formats/tensorflow/meanings.ts';
import { windowOf as tensorFlowWindow } from '../../formats/tensorflow/reading.ts';
import { windowFields } from '../../formats/tflite/window.ts';
import { type Window as FileWindow, placeWindow } from '../../formats/windows.ts';
import { heightAndWidth, type Window } from '../window.ts';
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

/** @param node a MaxPool. */
function readMaxPool(node: GraphNode): Match | undefined {
  const input = operationOf(node.inputs[0]);
  const window = tensorFlowWindow(node);
  const sizes = node.attributes.get('ksize')?.list?.i ?? [];
  if (!window || !input || sizes.length !== 4 || sizes[0] !== 1 || sizes[3] !== 1) return undefined;
  const kernel = sizes.slice(1, 3);
  return {
    inputs: [input],
    make: ({ builder, where }, [x]) => addMaxPool(builder, x, { kernel, ...window }, where),
  };
}

export const formats: LayerFormats<Window> = {
  layer: pool,
  keras: {
    write: ({ attributes: { kernel, stride, padding } }) => ({
      className: 'MaxPooling2D',
      config: {
        pool_size: heightAndWidth(kernel),
        strides: heightAndWidth(stride),
        padding,
        data_format: 'channels_last',
      },
    }),
    read: {
      MaxPooling2D: {
        read(reading, [input]) {
          const { builder, layer } = reading;
          const kernel = pairOf(layer.config.pool_size ?? 2);
          const window = windowOf(reading, kernel, layer.config.strides ?? kernel);
          return addMaxPool(builder, input, window, layer.name);
        },
      },
    },
  },
  onnx: {
    write: ({ graph, layer, inputs }) => graph.add('MaxPool', inputs, layer.name, onnxWindow(layer)),
    read: {
      MaxPool: {
        read(reading) {
          const window = { kernel: reading.ints('kernel_shape') ?? [], ...reading.window() };
          return reading.maps(addMaxPool(reading.builder, reading.channelsFirst(), window, reading.where));
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
      return graph.add({ code: 17, version: 1, options: 5 }, inputs, layer.name, layer.outputShape, options);
    },
  },
  pyTorch: {},
  tensorflow: {
    write({ graph, layer, inputs }) {
      const kernel = { ksize: attribute.size2D(layer.attributes.kernel) };
      const attributes = { ...kernel, ...windowAttributes(layer.attributes) };
      return graph.add('MaxPool', inputs, { attributes });
    },
    read: { MaxPool: readMaxPool },
  },
};
