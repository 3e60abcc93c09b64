import { pairOf, windowOf } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { onnxWindow } from '../../formats/onnx/window.ts';
import { attribute, windowAttributes } from '../../formats/tensorflow/attributes.ts';
import { type GraphNode, type Match, operationOf } from '../../formats/tensorflow/meanings.ts';
import { windowOf as tensorFlowWindow } from '../../formats/tensorflow/reading.ts';
import { windowFields } from '../../formats/tflite/window.ts';
import { type Window as FileWindow, placeWindow } from '../../formats/windows.ts';
import type { Window } from '../window.ts';
import { averagePool } from './layer.ts';

/** @param fileWindow padding in pixels is counted, as zeros. */
export function addAveragePool(
  builder: NetworkBuilder,
  input: Value,
  fileWindow: FileWindow,
  where: string,
): Value {
  const { input: padded, window } = placeWindow(builder, input, fileWindow, where);
  return builder.add(averagePool, [padded], window, {}, where);
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
        pool_size: [kernel, kernel],
        strides: [stride, stride],
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
    read: {},
  },
  tflite: {
    write({ graph, layer, inputs }) {
      const { kernel } = layer.attributes;
      const sizes = [
        { slot: 3, int32: kernel },
        { slot: 4, int32: kernel },
      ];
      const options = [...windowFields(layer.attributes), ...sizes];
      return graph.add({ code: 1, version: 1, options: 5 }, inputs, layer.name, layer.outputShape, options);
    },
  },
  pyTorch: {},
  tensorflow: {
    write({ graph, layer, inputs }) {
      const kernel = { ksize: attribute.square(layer.attributes.kernel) };
      const attributes = { ...kernel, ...windowAttributes(layer.attributes) };
      return graph.add('AvgPool', inputs, { attributes });
    },
    read: { AvgPool: readAvgPool },
  },
};
