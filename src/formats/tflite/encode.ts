import { zipSync } from 'fflate';
import type { LayerSummary } from '../../layers/index.ts';
import { packageVersion } from '../../system/version.ts';
import { bytesOf, permute, type Tensor, toFloat16, toInt8, transpose } from '../../tensors/tensors.ts';
import { about, aboutKey } from '../about.ts';
import type { ExportOptions, Network, WeightType } from '../format.ts';
import { paddingOf, sidesOf } from '../interim.ts';
import {
  type Field,
  type OperatorName,
  type OperatorTable,
  type TensorTable,
  types,
  writeModel,
} from './tables.ts';

/** A model under construction; tensors go by their places. */
class Graph {
  readonly tensors: TensorTable[] = [];
  readonly operators: OperatorTable[] = [];
  readonly weightType: WeightType;

  constructor(weightType: WeightType) {
    this.weightType = weightType;
  }

  tensor(tensor: TensorTable): number {
    return this.tensors.push(tensor) - 1;
  }

  constant(name: string, { shape, values }: Tensor): number {
    return this.tensor({ name, shape, type: types.float32, data: bytesOf(values) });
  }

  ints(name: string, values: number[], shape = [values.length]): number {
    const data = new Uint8Array(Int32Array.from(values).buffer);
    return this.tensor({ name, shape, type: types.int32, data });
  }

  /** @returns the place of what it gives: [batch, ...shape]. */
  add(
    operator: OperatorName,
    inputs: number[],
    name: string,
    shape: number[],
    options: Field[] = [],
  ): number {
    const output = this.tensor({ name, shape: [-1, ...shape], type: types.float32 });
    this.operators.push({ operator, inputs, outputs: [output], options });
    return output;
  }

  /**
   * Weights as the export's options want them stored.
   * @param perOutput whether int8 has a scale for each output, the first axis, or one for all.
   */
  weights(name: string, tensor: Tensor, perOutput: boolean): number {
    const { shape, values } = tensor;
    if (this.weightType === 'float32') return this.constant(name, tensor);
    if (this.weightType === 'float16') {
      const half = { name: `${name}/float16`, shape, type: types.float16, data: bytesOf(toFloat16(values)) };
      const output = this.tensor({ name, shape, type: types.float32 });
      this.operators.push({
        operator: 'DEQUANTIZE',
        inputs: [this.tensor(half)],
        outputs: [output],
        options: [],
      });
      return output;
    }
    const grouped = perOutput ? tensor : { shape: [1, values.length], values };
    const { int8, scales } = toInt8(grouped, 0);
    return this.tensor({ name, shape, type: types.int8, data: bytesOf(int8), scales });
  }
}

interface Writing {
  graph: Graph;
  layer: LayerSummary;
  /** Places of what is read from the layers before. */
  inputs: number[];
  /** One of the layer's variables, e.g. 'weights'; undefined where it has none of this name. */
  variable(name: string): Tensor | undefined;
}

function stridesOf(layer: LayerSummary): Field[] {
  const stride = Number(layer.attributes.stride);
  const padding = paddingOf(layer) === 'same' ? 0 : 1;
  return [
    { slot: 0, int8: padding },
    { slot: 1, int32: stride },
    { slot: 2, int32: stride },
  ];
}

function biasesOf({ graph, layer, variable }: Writing): number {
  const outputs = layer.outputShape.at(-1) as number;
  const zeros = { shape: [outputs], values: new Float32Array(outputs) };
  return graph.constant(`${layer.name}/biases`, variable('biases') ?? zeros);
}

/** Each kind of layer as LiteRT's operators. */
const writers: Record<string, (writing: Writing) => number> = {
  conv(writing) {
    const { graph, layer, inputs, variable } = writing;
    // [out, height, width, in]
    const kernel = permute(variable('weights') as Tensor, [3, 0, 1, 2]);
    const operator = graph.weightType === 'int8' ? 'HYBRID_CONV_2D' : 'CONV_2D';
    const constants = [graph.weights(`${layer.name}/weights`, kernel, true), biasesOf(writing)];
    return graph.add(operator, [...inputs, ...constants], layer.name, layer.outputShape, stridesOf(layer));
  },
  pool({ graph, layer, inputs }) {
    const kernel = Number(layer.attributes.kernel);
    const options = [...stridesOf(layer), { slot: 3, int32: kernel }, { slot: 4, int32: kernel }];
    return graph.add('MAX_POOL_2D', inputs, layer.name, layer.outputShape, options);
  },
  activation: ({ graph, layer, inputs }) => graph.add('RELU', inputs, layer.name, layer.outputShape),
  flatten({ graph, layer, inputs }) {
    const shape = graph.ints(`${layer.name}/shape`, [-1, layer.outputShape[0] as number]);
    return graph.add('RESHAPE', [...inputs, shape], layer.name, layer.outputShape);
  },
  fullyConnected(writing) {
    const { graph, layer, inputs, variable } = writing;
    const matrix = transpose(variable('weights') as Tensor);
    const operator = graph.weightType === 'int8' ? 'HYBRID_FULLY_CONNECTED' : 'FULLY_CONNECTED';
    const constants = [graph.weights(`${layer.name}/weights`, matrix, false), biasesOf(writing)];
    return graph.add(operator, [...inputs, ...constants], layer.name, layer.outputShape);
  },
  batchNorm({ graph, layer, inputs, variable }) {
    const [scale, offset, mean, variance] = ['scale', 'offset', 'mean', 'variance'].map(
      (name) => (variable(name) as Tensor).values,
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
    const epsilon = Number(layer.attributes.epsilon);
    const shape = [scale.length];
    const factors = scale.map((one, index) => one / Math.sqrt((variance[index] as number) + epsilon));
    const rests = offset.map((one, index) => one - (mean[index] as number) * (factors[index] as number));
    const factor = graph.constant(`${layer.name}/factor`, { shape, values: factors });
    const rest = graph.constant(`${layer.name}/rest`, { shape, values: rests });
    const scaled = graph.add('MUL', [...inputs, factor], `${layer.name}/scaled`, layer.outputShape);
    return graph.add('ADD', [scaled, rest], layer.name, layer.outputShape);
  },
  add: ({ graph, layer, inputs }) => graph.add('ADD', inputs, layer.name, layer.outputShape),
  globalAveragePool({ graph, layer, inputs }) {
    const axes = graph.ints(`${layer.name}/axes`, [1, 2]);
    return graph.add('MEAN', [...inputs, axes], layer.name, layer.outputShape);
  },
  zeroPadding({ graph, layer, inputs }) {
    const { top, left, bottom, right } = sidesOf(layer);
    const around = graph.ints(`${layer.name}/paddings`, [0, 0, top, bottom, left, right, 0, 0], [4, 2]);
    return graph.add('PAD', [...inputs, around], layer.name, layer.outputShape);
  },
  // Answering, it changes nothing.
  dropout: ({ inputs }) => inputs[0] as number,
};

/** The input, and what the layers read of it. */
function writeInput(
  graph: Graph,
  { model, preprocessing: { scale } }: Network,
  preprocessing: ExportOptions['preprocessing'],
): { input: number; read: number } {
  const shape = [model.height, model.width, model.channels];
  if (preprocessing === 'outside') {
    const input = graph.tensor({ name: 'pictures', shape: [-1, ...shape], type: types.float32 });
    return { input, read: input };
  }
  const input = graph.tensor({ name: 'pictures', shape: [-1, ...shape], type: types.uint8 });
  const cast = [
    { slot: 0, int8: types.uint8 },
    { slot: 1, int8: types.float32 },
  ];
  const pixels = graph.add('CAST', [input], 'pixels', shape, cast);
  const factor = graph.constant('scale', { shape: [], values: Float32Array.of(scale) });
  return { input, read: graph.add('MUL', [pixels, factor], 'scaled', shape) };
}

/**
 * A network as a LiteRT (TensorFlow Lite) model: from 'pictures' to 'logits' and 'probabilities', both [batch, classes].
 * Behind it, where LiteRT's own metadata have them, a zip with the class names and all else that travels with it.
 */
export function encodeTflite(network: Network, { weights, preprocessing }: ExportOptions): Uint8Array[] {
  const { model, layers, temperature } = network;
  const graph = new Graph(weights);
  const { input, read } = writeInput(graph, network, preprocessing);
  const places = new Map<string, number>();
  for (const layer of layers) {
    const inputs = layer.inputs.map((name) => places.get(name) as number);
    const place = (writers[layer.kind] as (writing: Writing) => number)({
      graph,
      layer,
      inputs: inputs.length > 0 ? inputs : [read],
      variable: (name) => network.weights.get(`${layer.name}/${name}`),
    });
    places.set(layer.name, place);
  }
  const logits = places.get(layers.at(-1)?.name ?? '') as number;
  const sharpness = [{ slot: 0, float32: 1 / temperature }];
  const probabilities = graph.add('SOFTMAX', [logits], 'probabilities', [model.classes.length], sharpness);
  const told = about(network, { scaledInside: preprocessing === 'inside' });
  const data = writeModel({
    description: `bat-sup ${packageVersion()}: ${model.classes.join(', ')}; takes ${told.input.description}`,
    tensors: graph.tensors,
    operators: graph.operators,
    input,
    outputs: { logits, probabilities },
  });
  const files = {
    'labels.txt': Buffer.from(`${model.classes.join('\n')}\n`),
    [`${aboutKey}.json`]: Buffer.from(JSON.stringify(told)),
  };
  return [data, zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) })];
}
