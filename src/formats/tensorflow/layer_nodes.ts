import type { LayerSummary } from '../../layers/index.ts';
import type { NamedTensor } from '../../tensors/tensors.ts';
import { bytesOf, toFloat16, toInt8 } from '../../tensors/tensors.ts';
import type { Network, WeightType } from '../format.ts';
import { paddingOf, sidesOf } from '../interim.ts';
import type { StoredTensor } from './bundle/write.ts';
import { attribute, constant, type Graph } from './graph.ts';
import { dataTypes } from './protos.ts';

const { float16, float32, int8 } = dataTypes;
const padding = (layer: LayerSummary) => attribute.text(paddingOf(layer).toUpperCase());

/** A variable of the graph; its name is also that in the checkpoint. */
export interface GraphVariable extends StoredTensor {
  /** The node that gives its value. */
  read: string;
  initializer: string;
  initialValue: string;
  trainable: boolean;
}

/** A variable that begins with zeros: its values come with the checkpoint. */
function addVariable(
  graph: Graph,
  { shape, type, bytes }: Omit<StoredTensor, 'name'>,
  { name: wanted, trainable }: { name?: string; trainable: boolean },
): GraphVariable {
  const name = graph.variable(type, shape, wanted);
  const size = graph.constant(`${name}/Initializer/shape`, constant.integers(shape));
  const zero = graph.constant(`${name}/Initializer/zero`, constant.zero(type));
  const initialValue = graph.add('Fill', [size, zero], {
    name: `${name}/Initializer/zeros`,
    attributes: { T: attribute.type(type) },
  });
  const attributes = { dtype: attribute.type(type) };
  const initializer = graph.add('AssignVariableOp', [name, initialValue], {
    name: `${name}/Assign`,
    attributes,
  });
  const read = graph.add('ReadVariableOp', [name], { name: `${name}/Read/ReadVariableOp`, attributes });
  return { name, shape, type, bytes, read, initializer, initialValue, trainable };
}

/** What a tensor of the network is in the graph: variables, and the node that gives its values as float32. */
interface StoredWeights {
  variables: GraphVariable[];
  value: string;
}

/** Rounded weights are no variables that TensorFlow could train; biases and the like stay float32. */
function addWeights(
  graph: Graph,
  tensor: NamedTensor,
  { type, trainable }: { type: WeightType; trainable: boolean },
): StoredWeights {
  const { shape, values } = tensor;
  if (type === 'float32' || shape.length < 2) {
    const stored = { shape, type: float32, bytes: bytesOf(values) };
    const variable = addVariable(graph, stored, { trainable: trainable && type === 'float32' });
    return { variables: [variable], value: variable.read };
  }
  if (type === 'float16') {
    const stored = { shape, type: float16, bytes: bytesOf(toFloat16(values)) };
    const variable = addVariable(graph, stored, { trainable: false });
    const value = graph.cast(variable.read, float16, float32, `${variable.name}/Cast`);
    return { variables: [variable], value };
  }
  const { int8: rounded, scales } = toInt8(tensor, shape.length - 1);
  const steps = addVariable(graph, { shape, type: int8, bytes: bytesOf(rounded) }, { trainable: false });
  const scale = addVariable(
    graph,
    { shape: [scales.length], type: float32, bytes: bytesOf(scales) },
    { name: `${steps.name}/scale`, trainable: false },
  );
  const floats = graph.cast(steps.read, int8, float32, `${steps.name}/Cast`);
  const value = graph.float('Mul', [floats, scale.read], { name: `${steps.name}/mul` });
  return { variables: [steps, scale], value };
}

interface Nodes {
  graph: Graph;
  /** Outputs of the layers that it reads. */
  inputs: string[];
  /** The value of the layer's variable of this name; undefined where it has none. */
  variable(name: string): string | undefined;
}

/** What conv and fullyConnected have in common: the product, and the biases added. */
function product(
  op: string,
  attributes: Parameters<Graph['float']>[2],
  { graph, inputs, variable }: Nodes,
): string {
  const [input] = inputs as [string];
  const weights = variable('weights') as string;
  const biases = variable('biases');
  const result = graph.float(op, [input, weights], attributes);
  return biases ? graph.float('Add', [result, biases], { name: 'add' }) : result;
}

function reshape(graph: Graph, input: string, shape: number[]): string {
  return graph.float('Reshape', [input, graph.constant('Reshape/shape', constant.integers(shape))]);
}

/** The nodes of one layer; the answer is the one that gives its output. */
const layerNodes: Record<string, (layer: LayerSummary, nodes: Nodes) => string> = {
  conv: (layer, nodes) => {
    const strides = attribute.square(Number(layer.attributes.stride));
    return product('Conv2D', { attributes: { strides, padding: padding(layer) } }, nodes);
  },
  pool: (layer, { graph, inputs }) => {
    const { kernel, stride } = layer.attributes;
    const window = { ksize: attribute.square(Number(kernel)), strides: attribute.square(Number(stride)) };
    return graph.float('MaxPool', inputs, { attributes: { ...window, padding: padding(layer) } });
  },
  activation: (_, { graph, inputs }) => graph.float('Relu', inputs),
  flatten: ({ outputShape: [size] }, { graph, inputs }) =>
    reshape(graph, inputs[0] as string, [-1, size as number]),
  fullyConnected: (_, nodes) => product('MatMul', {}, nodes),
  batchNorm: ({ inputShape, attributes: { epsilon } }, { graph, inputs, variable }) => {
    const parts = ['scale', 'offset', 'mean', 'variance'].map((name) => variable(name) as string);
    const settings = { epsilon: attribute.float(Number(epsilon)), is_training: attribute.bool(false) };
    const normalise = (input: string) =>
      graph.float('FusedBatchNorm', [input, ...parts], { attributes: settings });
    const [input] = inputs as [string];
    if (inputShape.length === 3) return normalise(input);
    // The operation is of maps only.
    const [features] = inputShape as [number];
    return reshape(graph, normalise(reshape(graph, input, [-1, 1, 1, features])), [-1, features]);
  },
  add: (_, { graph, inputs }) => graph.float('Add', inputs, { name: 'add' }),
  globalAveragePool: (_, { graph, inputs }) => {
    const axes = graph.constant('Mean/reduction_indices', constant.integers([1, 2]));
    return graph.float('Mean', [...inputs, axes]);
  },
  zeroPadding: (layer, { graph, inputs }) => {
    const { top, left, bottom, right } = sidesOf(layer);
    const sides = constant.integers([0, 0, top, bottom, left, right, 0, 0], [4, 2]);
    return graph.float('Pad', [...inputs, graph.constant('Pad/paddings', sides)]);
  },
  // An exported network answers, and so drops nothing.
  dropout: (_, { inputs }) => inputs[0] as string,
};

export interface GraphWeights {
  variables: GraphVariable[];
  /** By the network's names, the nodes that give the values as float32. */
  values: Map<string, string>;
}

/** The network's variables, in the order of its layers, which is that of the article's: Variable, Variable_1 ... */
export function addVariables(graph: Graph, { layers, weights }: Network, type: WeightType): GraphWeights {
  const add =
    (trainable: boolean) =>
    ({ name }: { name: string }): [string, StoredWeights] => [
      name,
      addWeights(graph, weights.get(name) as NamedTensor, { type, trainable }),
    ];
  const stored = layers.flatMap(({ variables, state = [] }) => [
    ...variables.map(add(true)),
    ...state.map(add(false)),
  ]);
  return {
    variables: stored.flatMap(([, { variables }]) => variables),
    values: new Map(stored.map(([name, { value }]) => [name, value])),
  };
}

/**
 * The network's layers.
 * @param pictures the node that gives what the network reads, [batch, height, width, channels].
 * @returns the node of the logits [batch, classes].
 */
export function addNetwork(
  graph: Graph,
  layers: LayerSummary[],
  { pictures, values }: { pictures: string } & Pick<GraphWeights, 'values'>,
): string {
  const outputs = new Map<string, string>();
  let logits = pictures;
  for (const layer of layers) {
    const inputs =
      layer.inputs.length === 0 ? [pictures] : layer.inputs.map((name) => outputs.get(name) as string);
    const variable = (name: string) => values.get(`${layer.name}/${name}`);
    logits = (layerNodes[layer.kind] as (layer: LayerSummary, nodes: Nodes) => string)(layer, {
      graph,
      inputs,
      variable,
    });
    outputs.set(layer.name, logits);
  }
  return logits;
}

/** What the network reads, of pixels that are float32, 0..255. */
export function addPreprocessing(
  graph: Graph,
  pixels: string,
  { scale, reversed }: { scale: number; reversed: boolean },
): string {
  let pictures = pixels;
  if (reversed) {
    const axis = graph.constant('ReverseV2/axis', constant.integers([3]));
    pictures = graph.float('ReverseV2', [pictures, axis]);
  }
  if (scale === 1) return pictures;
  return graph.float('Mul', [pictures, graph.constant('scale', constant.float(scale))], { name: 'mul' });
}
