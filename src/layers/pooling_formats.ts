import { pairOf, windowOf } from '../formats/keras_model/reading.ts';
import type { LayerFormats } from '../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../formats/network_builder.ts';
import type { Reading } from '../formats/onnx/reading.ts';
import { onnxWindow } from '../formats/onnx/window.ts';
import { attribute, windowAttributes } from '../formats/tensorflow/attributes.ts';
import { type GraphNode, type Match, operationOf } from '../formats/tensorflow/meanings.ts';
import { windowOf as tensorFlowWindow } from '../formats/tensorflow/reading.ts';
import { windowFields } from '../formats/tflite/window.ts';
import type { Window as FileWindow } from '../formats/windows.ts';
import { heightAndWidth, type Window } from './window.ts';

/** What the formats call a kind of pooling, and how it is read. */
export interface Pooling {
  /** Adds what a file's window means. */
  add(builder: NetworkBuilder, input: Value, window: FileWindow, where: string): Value;
  keras: string;
  onnx: string;
  tfliteCode: number;
  tensorFlow: string;
  /** The maps and the window of an ONNX node, whose padding may have to be added before. */
  readOnnx(reading: Reading, kernel: number[]): { input: Value; window: FileWindow };
}

/** How the formats write and read pooling, which differ by names alone. */
export function poolingFormats({
  add,
  keras,
  onnx,
  tfliteCode,
  tensorFlow,
  readOnnx,
}: Pooling): Pick<LayerFormats<Window>, 'keras' | 'onnx' | 'tflite' | 'tensorflow'> {
  const readNode = (node: GraphNode): Match | undefined => {
    const input = operationOf(node.inputs[0]);
    const window = tensorFlowWindow(node);
    const sizes = node.attributes.get('ksize')?.list?.i ?? [];
    if (!window || !input || sizes.length !== 4 || sizes[0] !== 1 || sizes[3] !== 1) return undefined;
    const kernel = sizes.slice(1, 3);
    return {
      inputs: [input],
      make: ({ builder, where }, [x]) => add(builder, x, { kernel, ...window }, where),
    };
  };
  return {
    keras: {
      write: ({ attributes: { kernel, stride, padding } }) => ({
        className: keras,
        config: {
          pool_size: heightAndWidth(kernel),
          strides: heightAndWidth(stride),
          padding,
          data_format: 'channels_last',
        },
      }),
      read: {
        [keras]: {
          read(reading, [input]) {
            const { builder, layer } = reading;
            const kernel = pairOf(layer.config.pool_size ?? 2);
            const window = windowOf(reading, kernel, layer.config.strides ?? kernel);
            return add(builder, input, window, layer.name);
          },
        },
      },
    },
    onnx: {
      write: ({ graph, layer, inputs }) => graph.add(onnx, inputs, layer.name, onnxWindow(layer)),
      read: {
        [onnx]: {
          read(reading) {
            const { input, window } = readOnnx(reading, reading.ints('kernel_shape') ?? []);
            return reading.maps(add(reading.builder, input, window, reading.where));
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
        const operator = { code: tfliteCode, version: 1, options: 5 };
        return graph.add(operator, inputs, layer.name, layer.outputShape, options);
      },
    },
    tensorflow: {
      write({ graph, layer, inputs }) {
        const kernel = { ksize: attribute.size2D(layer.attributes.kernel) };
        const attributes = { ...kernel, ...windowAttributes(layer.attributes) };
        return graph.add(tensorFlow, inputs, { attributes });
      },
      read: { [tensorFlow]: readNode },
    },
  };
}
