import { UserError } from '../../errors.ts';
import { type LayerSummary, samePadding } from '../../layers/index.ts';
import { packageVersion } from '../../system/version.ts';
import { sizeOf } from '../../tensors/shape.ts';
import { bytesOf, rowsToChw, type Tensor, toFloat16, toInt8, toOihw } from '../../tensors/tensors.ts';
import { about, aboutKey, type Input } from '../about.ts';
import type { ExportOptions, Network, WeightType } from '../format.ts';
import { paddingOf, sidesOf } from '../interim.ts';
import { mapsBefore } from '../maps_before.ts';

import {
  type AttributeMessage,
  attributeTypes,
  dataTypes,
  models,
  type NodeMessage,
  type TensorMessage,
  type ValueInfoMessage,
} from './protos.ts';

/** Of 2022: what every ONNX Runtime since 1.12 reads, and DequantizeLinear by channels is in. */
const operatorSet = 17;
const irVersion = 8;
/** A protocol buffer's limit. */
const mostBytes = 2 ** 31 - 1;

type AttributeValue = number | number[] | { float: number };

function attributeOf([name, value]: [string, AttributeValue]): AttributeMessage {
  if (Array.isArray(value)) return { name, type: attributeTypes.ints, ints: value };
  if (typeof value === 'object') return { name, type: attributeTypes.float, f: value.float };
  return { name, type: attributeTypes.int, i: value };
}

/** A graph under construction. */
class Graph {
  readonly node: NodeMessage[] = [];
  readonly initializer: TensorMessage[] = [];
  readonly #weightType: WeightType;

  constructor(weightType: WeightType) {
    this.#weightType = weightType;
  }

  /** @returns the name of what it gives. */
  add(
    operator: string,
    input: string[],
    output: string,
    attributes: Record<string, AttributeValue> = {},
  ): string {
    const attribute = Object.entries(attributes).map(attributeOf);
    this.node.push({ op_type: operator, name: output, input, output: [output], attribute });
    return output;
  }

  constant(name: string, { shape, values }: Tensor): string {
    return this.#keep(name, shape, dataTypes.float32, bytesOf(values));
  }

  integers(name: string, values: number[]): string {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.#keep(name, [values.length], dataTypes.int64, bytes);
  }

  /**
   * Weights as the export's options want them stored; what reads them gets floats.
   * @param axis of the outputs.
   */
  weights(name: string, tensor: Tensor, axis: number): string {
    const { shape, values } = tensor;
    if (this.#weightType === 'float32') return this.constant(name, tensor);
    if (this.#weightType === 'float16') {
      const stored = this.#keep(`${name}/float16`, shape, dataTypes.float16, bytesOf(toFloat16(values)));
      return this.add('Cast', [stored], name, { to: dataTypes.float32 });
    }
    const { int8, scales } = toInt8(tensor, axis);
    const stored = this.#keep(`${name}/int8`, shape, dataTypes.int8, bytesOf(int8));
    const scale = this.constant(`${name}/scale`, { shape: [scales.length], values: scales });
    return this.add('DequantizeLinear', [stored, scale], name, { axis });
  }

  #keep(name: string, dims: number[], type: number, bytes: Uint8Array): string {
    this.initializer.push({ name, dims, data_type: type, raw_data: bytes });
    return name;
  }
}

interface Writing {
  graph: Graph;
  layer: LayerSummary;
  /** What is read from the layers before. */
  inputs: string[];
  /** One of the layer's variables, e.g. 'weights'; undefined where it has none of this name. */
  variable(name: string): Tensor | undefined;
  /** The maps that were flattened into what the layer reads, if they were. */
  maps: number[] | undefined;
}

function windowOf(layer: LayerSummary): Record<string, number[]> {
  const { inputShape, attributes } = layer;
  const [kernel, stride] = [Number(attributes.kernel), Number(attributes.stride)];
  const around = (length: number) =>
    paddingOf(layer) === 'same' ? samePadding(length, { kernel, stride }) : { before: 0, after: 0 };
  const axes = inputShape.slice(0, 2).map(around);
  const pads = [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)];
  return { kernel_shape: [kernel, kernel], strides: [stride, stride], pads };
}

/** The names of constants for those of the layer's variables that it has. */
function constantsOf({ graph, layer, variable }: Writing, names: string[]): string[] {
  return names.flatMap((name) => {
    const tensor = variable(name);
    return tensor ? [graph.constant(`${layer.name}/${name}`, tensor)] : [];
  });
}

/** Each kind of layer as one of ONNX's operators (onnx.ai/onnx/operators). */
const writers: Record<string, (writing: Writing) => string> = {
  conv(writing) {
    const { graph, layer, inputs, variable } = writing;
    const kernel = graph.weights(`${layer.name}/weights`, toOihw(variable('weights') as Tensor), 0);
    const constants = [kernel, ...constantsOf(writing, ['biases'])];
    return graph.add('Conv', [...inputs, ...constants], layer.name, windowOf(layer));
  },
  pool: ({ graph, layer, inputs }) => graph.add('MaxPool', inputs, layer.name, windowOf(layer)),
  activation: ({ graph, layer, inputs }) => graph.add('Relu', inputs, layer.name),
  flatten: ({ graph, layer, inputs }) => graph.add('Flatten', inputs, layer.name, { axis: 1 }),
  fullyConnected(writing) {
    const { graph, layer, inputs, variable, maps } = writing;
    const weights = variable('weights') as Tensor;
    const matrix = graph.weights(`${layer.name}/weights`, maps ? rowsToChw(weights, maps) : weights, 1);
    return graph.add('Gemm', [...inputs, matrix, ...constantsOf(writing, ['biases'])], layer.name);
  },
  batchNorm(writing) {
    const { graph, layer, inputs } = writing;
    const constants = constantsOf(writing, ['scale', 'offset', 'mean', 'variance']);
    const epsilon = { float: Number(layer.attributes.epsilon) };
    return graph.add('BatchNormalization', [...inputs, ...constants], layer.name, { epsilon });
  },
  add: ({ graph, layer, inputs }) => graph.add('Add', inputs, layer.name),
  globalAveragePool({ graph, layer, inputs }) {
    const averages = graph.add('GlobalAveragePool', inputs, `${layer.name}/maps`);
    return graph.add('Flatten', [averages], layer.name, { axis: 1 });
  },
  zeroPadding({ graph, layer, inputs }) {
    const { top, left, bottom, right } = sidesOf(layer);
    const pads = graph.integers(`${layer.name}/pads`, [0, 0, top, left, 0, 0, bottom, right]);
    return graph.add('Pad', [...inputs, pads], layer.name);
  },
  dropout({ graph, layer, inputs }) {
    const values = Float32Array.of(Number(layer.attributes.rate));
    const rate = graph.constant(`${layer.name}/rate`, { shape: [], values });
    return graph.add('Dropout', [...inputs, rate], layer.name);
  },
};

function valueInfo(name: string, type: number, dims: (string | number)[], text: string): ValueInfoMessage {
  const dim = dims.map((one) => (typeof one === 'number' ? { dim_value: one } : { dim_param: one }));
  return { name, type: { tensor_type: { elem_type: type, shape: { dim } } }, doc_string: text };
}

/** The graph's input, and what the layers read of it: [batch, channels, height, width]. */
function writeInput(
  graph: Graph,
  { model, preprocessing: { scale } }: Network,
  { scaledInside, description }: Input,
): { input: ValueInfoMessage; read: string } {
  const { width, height, channels } = model;
  if (!scaledInside) {
    const dims = ['batch', channels, height, width];
    return { input: valueInfo('pictures', dataTypes.float32, dims, description), read: 'pictures' };
  }
  const floats = graph.add('Cast', ['pictures'], 'pixels', { to: dataTypes.float32 });
  const factor = graph.constant('scale', { shape: [], values: Float32Array.of(scale) });
  const scaled = graph.add('Mul', [floats, factor], 'scaled');
  const read = graph.add('Transpose', [scaled], 'maps', { perm: [0, 3, 1, 2] });
  const dims = ['batch', height, width, channels];
  return { input: valueInfo('pictures', dataTypes.uint8, dims, description), read };
}

/** Calibrated probabilities, as predict answers them. */
function writeProbabilities(graph: Graph, logits: string, temperature: number): string {
  const divisor = graph.constant('temperature', { shape: [], values: Float32Array.of(temperature) });
  const calibrated = graph.add('Div', [logits, divisor], 'calibrated');
  return graph.add('Softmax', [calibrated], 'probabilities', { axis: 1 });
}

/**
 * A network as an ONNX model: from 'pictures' to 'logits' and 'probabilities', both [batch, classes].
 * @throws {UserError} where it is larger than a protocol buffer can be.
 */
export function encodeOnnx(network: Network, { weights, preprocessing }: ExportOptions): Uint8Array {
  const { model, layers, temperature } = network;
  const stored = [...network.weights.values()].reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  if (stored > mostBytes - 2 ** 20)
    throw new UserError(
      'The network has more weights than the 2 GiB of an ONNX file; use --format safetensors.',
    );
  const graph = new Graph(weights);
  const told = about(network, { scaledInside: preprocessing === 'inside' });
  const { input, read } = writeInput(graph, network, told.input);
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  for (const layer of layers)
    (writers[layer.kind] as (writing: Writing) => string)({
      graph,
      layer,
      inputs: layer.inputs.length > 0 ? layer.inputs : [read],
      variable: (name) => network.weights.get(`${layer.name}/${name}`),
      maps: mapsBefore(layer, byName),
    });
  const last = layers.at(-1)?.name as string;
  const logits = last === 'logits' ? last : graph.add('Identity', [last], 'logits');
  const probabilities = writeProbabilities(graph, logits, temperature);
  const dims = ['batch', model.classes.length];
  const classes = model.classes.join(', ');
  return models.encode({
    ir_version: irVersion,
    producer_name: 'bat-sup',
    producer_version: packageVersion(),
    doc_string: `A picture classifier: ${classes}`,
    graph: {
      name: model.architecture,
      node: graph.node,
      initializer: graph.initializer,
      input: [input],
      output: [
        valueInfo(logits, dataTypes.float32, dims, `one for each of ${classes}`),
        valueInfo(probabilities, dataTypes.float32, dims, `softmax(logits / ${temperature})`),
      ],
    },
    opset_import: [{ domain: '', version: operatorSet }],
    metadata_props: [{ key: aboutKey, value: JSON.stringify(told) }],
  });
}
