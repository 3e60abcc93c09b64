import type { Layer } from '../layers/layer.ts';
import type { KerasFormat } from './keras_model/layer_format.ts';
import type { OnnxFormat } from './onnx/layer_format.ts';
import type { PyTorchFormat } from './safetensors/layer_format.ts';
import type { TensorFlowFormat } from './tensorflow/layer_format.ts';
import type { TfliteFormat } from './tflite/layer_format.ts';

/**
 * How every format reads and writes one kind of layer. These objects are also bundled into web pages, so they import no
 * format's libraries, only its types.
 */
// biome-ignore lint/suspicious/noExplicitAny: a table of layers holds all kinds of attributes.
export interface LayerFormats<A extends object = any> {
  layer: Layer<A>;
  /** Keras's and TensorFlow.js's. */
  keras: KerasFormat<A>;
  onnx: OnnxFormat<A>;
  /** LiteRT, of which TensorFlow Lite is the older name. */
  tflite: TfliteFormat<A>;
  /** PyTorch's state_dict, in safetensors files. */
  pyTorch: PyTorchFormat;
  tensorflow: TensorFlowFormat<A>;
}
