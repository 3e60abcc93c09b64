import type { NamedTensor } from '../../checkpoints/index.ts';
import { type LayerSummary, paddingOf } from '../../model_tools/index.ts';
import type { Network } from '../format.ts';
import { attribute, constant, type Graph } from './graph.ts';
import { dataTypes } from './protos.ts';

const dtype = attribute.type(dataTypes.float32);
const padding = (layer: LayerSummary) => attribute.text(paddingOf(layer).toUpperCase());

/** A variable of the graph; its name is also that in the checkpoint. */
export interface GraphVariable {
  tensor: NamedTensor;
  name: string;
  /** The node that gives its value. */
  read: string;
  initializer: string;
  initialValue: string;
  trainable: boolean;
}

/** A variable that begins with zeros: its values come with the checkpoint. */
function addVariable(graph: Graph, tensor: NamedTensor, trainable: boolean): GraphVariable {
  const name = graph.variable(tensor.shape);
  const size = graph.constant(`${name}/Initializer/shape`, constant.integers(tensor.shape));
  const zero = graph.constant(`${name}/Initializer/zero`, constant.float(0));
  const initialValue = graph.float('Fill', [size, zero], { name: `${name}/Initializer/zeros` });
  const initializer = graph.add('AssignVariableOp', [name, initialValue], {
    name: `${name}/Assign`,
    attributes: { dtype },
  });
  const read = graph.add('ReadVariableOp', [name], {
    name: `${name}/Read/ReadVariableOp`,
    attributes: { dtype },
  });
  return { tensor, name, read, initializer, initialValue, trainable };
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
const layerNodes: Record<LayerSummary['kind'], (layer: LayerSummary, nodes: Nodes) => string> = {
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
  // An exported network answers, and so drops nothing.
  dropout: (_, { inputs }) => inputs[0] as string,
};

/** The network's variables, in the order of its layers, which is that of the article's: Variable, Variable_1 ... */
export function addVariables(graph: Graph, { layers, weights }: Network): GraphVariable[] {
  const add =
    (trainable: boolean) =>
    ({ name }: { name: string }) =>
      addVariable(graph, weights.get(name) as NamedTensor, trainable);
  return layers.flatMap(({ variables, state = [] }) => [
    ...variables.map(add(true)),
    ...state.map(add(false)),
  ]);
}

/**
 * The network's layers.
 * @param pictures the node that gives what the network reads, [batch, height, width, channels].
 * @returns the node of the logits [batch, classes].
 */
export function addNetwork(
  graph: Graph,
  layers: LayerSummary[],
  { pictures, variables }: { pictures: string; variables: GraphVariable[] },
): string {
  const read = new Map(variables.map(({ tensor, read }) => [tensor.name, read]));
  const outputs = new Map<string, string>();
  let logits = pictures;
  for (const layer of layers) {
    const inputs =
      layer.inputs.length === 0 ? [pictures] : layer.inputs.map((name) => outputs.get(name) as string);
    const variable = (name: string) => read.get(`${layer.name}/${name}`);
    logits = layerNodes[layer.kind](layer, { graph, inputs, variable });
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
