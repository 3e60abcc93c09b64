import { paddingOf } from '../formats/interim.ts';
import { type LayerSummary, variablesOf } from '../layers/index.ts';
import * as proto from './protobuf.ts';

/** DataType numbers of types.proto. */
const float32 = 1;
const int32 = 3;

interface Node {
  name: string;
  op: string;
  inputs?: string[];
  /** Each output's shape; -1 for the batch. */
  shape: number[];
  attributes?: Record<string, Uint8Array>;
  type?: number;
}

/** tensor_shape.proto: dim = 2, its size = 1. */
function shapeProto(shape: number[]): Buffer {
  return Buffer.concat(shape.map((size) => proto.message(2, proto.varint(1, size))));
}

/** attr_value.proto: list = 1, s = 2, type = 6, shape = 7; in a list: i = 3, shape = 7. */
const attribute = {
  text: (value: string) => proto.bytes(2, value),
  type: (value: number) => proto.varint(6, value),
  shape: (shape: number[]) => proto.bytes(7, shapeProto(shape)),
  shapes: (shape: number[]) => proto.message(1, proto.bytes(7, shapeProto(shape))),
  integers: (values: number[]) => proto.message(1, ...values.map((value) => proto.varint(3, value))),
};

/** node_def.proto: name = 1, op = 2, input = 3, attr = 5. TensorBoard reads dimensions from _output_shapes. */
function encodeNode({ name, op, inputs = [], shape, attributes = {}, type = float32 }: Node): Buffer {
  const all = { ...attributes, T: attribute.type(type), _output_shapes: attribute.shapes(shape) };
  return proto.message(
    1,
    proto.bytes(1, name),
    proto.bytes(2, op),
    ...inputs.map((input) => proto.bytes(3, input)),
    ...Object.entries(all).map(([key, value]) => proto.mapEntry(5, key, value)),
  );
}

function square(size: number): Uint8Array {
  return attribute.integers([1, size, size, 1]);
}

function variableNodes(layer: LayerSummary): Node[] {
  return variablesOf(layer).map(({ name, shape }) => ({
    name,
    op: 'VariableV2',
    shape,
    attributes: { dtype: attribute.type(float32), shape: attribute.shape(shape) },
  }));
}

const paddingText = (attributes: LayerSummary['attributes']) =>
  attribute.text(paddingOf({ attributes }).toUpperCase());

/** The operations of a layer, the last of which is its output. */
const layerNodes: Record<string, (layer: LayerSummary, inputs: string[], shape: number[]) => Node[]> = {
  conv: ({ name, attributes, variables }, inputs, shape) => {
    const convolution = {
      name: `${name}/Conv2D`,
      op: 'Conv2D',
      inputs: [...inputs, `${name}/weights`],
      shape,
      attributes: { strides: square(Number(attributes.stride)), padding: paddingText(attributes) },
    };
    if (variables.length === 1) return [convolution];
    const biased = [convolution.name, `${name}/biases`];
    return [convolution, { name: `${name}/BiasAdd`, op: 'BiasAdd', inputs: biased, shape }];
  },
  pool: ({ name, attributes }, inputs, shape) => [
    {
      name: `${name}/MaxPool`,
      op: 'MaxPool',
      inputs,
      shape,
      attributes: {
        ksize: square(Number(attributes.kernel)),
        strides: square(Number(attributes.stride)),
        padding: paddingText(attributes),
      },
    },
  ],
  activation: ({ name }, inputs, shape) => [{ name: `${name}/Relu`, op: 'Relu', inputs, shape }],
  flatten: ({ name }, inputs, shape) => [{ name: `${name}/Reshape`, op: 'Reshape', inputs, shape }],
  batchNorm: ({ name }, inputs, shape) => {
    const kept = ['scale', 'offset', 'mean', 'variance'].map((part) => `${name}/${part}`);
    return [{ name: `${name}/FusedBatchNorm`, op: 'FusedBatchNormV3', inputs: [...inputs, ...kept], shape }];
  },
  add: ({ name }, inputs, shape) => [{ name: `${name}/Add`, op: 'AddV2', inputs, shape }],
  globalAveragePool: ({ name }, inputs, shape) => [{ name: `${name}/Mean`, op: 'Mean', inputs, shape }],
  dropout: ({ name }, inputs, shape) => [{ name: `${name}/Dropout`, op: 'Dropout', inputs, shape }],
  zeroPadding: ({ name }, inputs, shape) => [{ name: `${name}/Pad`, op: 'Pad', inputs, shape }],
  fullyConnected: ({ name }, inputs, shape) => [
    { name: `${name}/MatMul`, op: 'MatMul', inputs: [...inputs, `${name}/weights`], shape },
    { name: `${name}/BiasAdd`, op: 'BiasAdd', inputs: [`${name}/MatMul`, `${name}/biases`], shape },
  ],
};

/** What training adds behind the logits: loss, accuracy, gradients and Adam. */
function trainingNodes(logits: string, layers: LayerSummary[]): Node[] {
  const gradients = layers.flatMap(({ variables }) => variables);
  return [
    {
      name: 'loss/SoftmaxCrossEntropy',
      op: 'SparseSoftmaxCrossEntropyWithLogits',
      inputs: [logits, 'labels'],
      shape: [-1],
    },
    { name: 'loss/Mean', op: 'Mean', inputs: ['loss/SoftmaxCrossEntropy'], shape: [] },
    { name: 'accuracy/ArgMax', op: 'ArgMax', inputs: [logits], shape: [-1], type: int32 },
    { name: 'accuracy/Equal', op: 'Equal', inputs: ['accuracy/ArgMax', 'labels'], shape: [-1], type: int32 },
    { name: 'accuracy/Mean', op: 'Mean', inputs: ['accuracy/Equal'], shape: [] },
    ...gradients.map(({ name, shape }) => ({
      name: `adam/${name.replace('/', '_')}`,
      op: 'ApplyAdam',
      inputs: [name, 'loss/Mean'],
      shape,
    })),
  ];
}

/** The network as TensorBoard's graph shows it: a serialised GraphDef (graph.proto: node = 1). */
export function networkGraph(
  layers: LayerSummary[],
  { height, width, channels }: { height: number; width: number; channels: number },
): Uint8Array {
  const nodes: Node[] = [
    { name: 'pictures', op: 'Placeholder', shape: [-1, height, width, channels] },
    { name: 'labels', op: 'Placeholder', shape: [-1], type: int32 },
  ];
  /** The name of the node that is each layer's output. */
  const outputs = new Map<string, string>();
  let output = 'pictures';
  for (const layer of layers) {
    const read = layer.inputs.map((name) => outputs.get(name) as string);
    const inputs = read.length > 0 ? read : ['pictures'];
    nodes.push(
      ...variableNodes(layer),
      ...(layerNodes[layer.kind] as (typeof layerNodes)[string] & object)(layer, inputs, [
        -1,
        ...layer.outputShape,
      ]),
    );
    output = (nodes.at(-1) as Node).name;
    outputs.set(layer.name, output);
  }
  nodes.push(...trainingNodes(output, layers));
  return Buffer.concat(nodes.map(encodeNode));
}
