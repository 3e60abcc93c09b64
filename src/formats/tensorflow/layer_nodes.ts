import { formatsOf } from '../../layers/formats.ts';
import { type LayerSummary, variablesOf } from '../../layers/layer.ts';
import type { Normalisation } from '../../models/preprocessing.ts';
import type { NamedTensor } from '../../tensors/tensors.ts';
import { bytesOf, toFloat16, toInt8 } from '../../tensors/tensors.ts';
import { affineOf, isAllZero } from '../affine.ts';
import type { Network, WeightType } from '../format.ts';
import { inputShapesOf } from '../input_shapes.ts';
import { attribute, constant } from './attributes.ts';
import type { StoredTensor } from './bundle/write.ts';
import type { Graph } from './graph.ts';
import type { LayerGraph, Writing } from './layer_format.ts';
import { dataTypes } from './messages.ts';

const { float16, float32, int8 } = dataTypes;

/** A variable of the graph, which the checkpoint holds under the same name. */
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

/** TensorFlow cannot train rounded weights. Biases and other vectors stay float32. */
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
 * Adds the network's layers.
 * @param pictures the node that gives what the network reads, [batch, height, width, channels].
 * @param isTraining whether it is the graph that TensorBoard shows: the nodes' names start with their layers'.
 * @returns the node of the logits [batch, classes].
 */
export function addNetwork(
  graph: Graph,
  layers: LayerSummary[],
  { pictures, values, isTraining = false }: NetworkInputs,
): string {
  const outputs = new Map<string, string>();
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const outputOf = (name: string | undefined) => outputs.get(name ?? '') ?? pictures;
  let output = pictures;
  for (const layer of layers) {
    const [first, ...rest] = layer.inputs;
    const inputs: Writing<object>['inputs'] = [outputOf(first), ...rest.map(outputOf)];
    const inputShapes = inputShapesOf(layer, byName);
    output = addLayer(graph, layer, { inputs, inputShapes, values, isTraining });
    outputs.set(layer.name, output);
  }
  return output;
}

interface NetworkInputs extends Pick<GraphWeights, 'values'> {
  pictures: string;
  isTraining?: boolean;
}

function addLayer(
  graph: Graph,
  layer: LayerSummary,
  {
    values,
    ...writing
  }: Pick<Writing<object>, 'inputs' | 'inputShapes' | 'isTraining'> & Pick<GraphWeights, 'values'>,
): string {
  const scoped = (name: string) => (writing.isTraining ? `${layer.name}/${name}` : name);
  const named = variablesOf(layer).map(({ name }) => [
    name.slice(layer.name.length + 1),
    values.get(name) as string,
  ]);
  const nodes: LayerGraph = {
    add: (op, from, { name = op, attributes, shape = layer.outputShape } = {}) =>
      graph.float(op, from, { name: scoped(name), attributes, shape: [-1, ...shape] }),
    constant: (name, tensor) => graph.constant(scoped(name), tensor),
    reshape(input, shape) {
      const sizes = nodes.constant('Reshape/shape', constant.integers([-1, ...shape]));
      return nodes.add('Reshape', [input, sizes], { shape });
    },
  };
  const variables = Object.fromEntries(named);
  return formatsOf(layer).tensorflow.write({ graph: nodes, layer, variables, ...writing });
}

/**
 * Adds the preprocessing.
 * @param pixels float32, 0..255.
 * @returns what the network reads.
 */
export function addPreprocessing(
  graph: Graph,
  pixels: string,
  { preprocessing, reversed }: { preprocessing: Normalisation; reversed: boolean },
): string {
  let pictures = pixels;
  if (reversed) {
    const axis = graph.constant('ReverseV2/axis', constant.integers([3]));
    pictures = graph.float('ReverseV2', [pictures, axis]);
  }
  const { factors, offsets } = affineOf(preprocessing);
  const value = (values: number[]) =>
    values.length === 1 ? constant.float(values[0] as number) : constant.floats(values);
  if (factors.some((factor) => factor !== 1))
    pictures = graph.float('Mul', [pictures, graph.constant('scale', value(factors))], { name: 'mul' });
  if (!isAllZero(offsets))
    pictures = graph.float('Add', [pictures, graph.constant('offset', value(offsets))], {
      name: 'normalised',
    });
  return pictures;
}
