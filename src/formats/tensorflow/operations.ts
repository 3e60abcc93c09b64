import {
  type Constant,
  type Given,
  isOperation,
  type Meaning,
  type Operation,
  type Unknown,
  type Variable,
  type Windowed,
} from './meanings.ts';
import type { AttrValue, NodeDef, TensorMessage } from './messages.ts';
import { dataTypes } from './messages.ts';
import { normDifference, normProduct, normRoot, normSum } from './spelled_batch_norm.ts';

/**
 * What the nodes of a graph compute, as far as a network of bat-sup's layers needs it: found from what they do, not
 * from how they or their variables are named.
 */

const textOf = (value: AttrValue | undefined) => Buffer.from(value?.s ?? []).toString();
const sizesOf = (value: AttrValue | undefined) => value?.shape?.dim.map(({ size }) => size);

/** Constants longer than this are no shapes, axes or factors. */
const longestConstant = 16;

/** A short tensor's values: packed as bytes, or listed, the last repeated. */
function valuesOf(tensor: TensorMessage | undefined): number[] | undefined {
  if (!tensor) return undefined;
  const { dtype, tensor_shape: shape, tensor_content: content, float_val, int_val, int64_val } = tensor;
  const size = (shape?.dim ?? []).reduce((product, { size }) => product * size, 1);
  if (!(size >= 0 && size <= longestConstant)) return undefined;
  const listed = { [dataTypes.float32]: float_val, [dataTypes.int32]: int_val, [dataTypes.int64]: int64_val }[
    dtype
  ];
  if (!listed) return undefined;
  if (!content || content.length === 0)
    return Array.from({ length: size }, (_, index) => listed[Math.min(index, listed.length - 1)] ?? 0);
  const bytes = Buffer.from(content);
  const length = dtype === dataTypes.int64 ? 8 : 4;
  if (bytes.length !== size * length) return undefined;
  return Array.from({ length: size }, (_, index) => {
    if (dtype === dataTypes.float32) return bytes.readFloatLE(index * length);
    return dtype === dataTypes.int32
      ? bytes.readInt32LE(index * length)
      : Number(bytes.readBigInt64LE(index * length));
  });
}

const isOnes = (values: number[] | undefined) => (values ?? []).every((value) => value === 1);

const isNhwc = (attributes: Given['attributes']) =>
  ['', 'NHWC'].includes(textOf(attributes.get('data_format')));

/** Strides and padding of [batch, height, width, channels]; undefined where a layer of bat-sup cannot have them. */
function windowOf(attributes: Given['attributes']): Windowed | undefined {
  const strides = attributes.get('strides')?.list?.i ?? [];
  const padding = { SAME: 'same', VALID: 'valid' }[textOf(attributes.get('padding'))] as
    | Windowed['padding']
    | undefined;
  const isPlain = isNhwc(attributes) && isOnes(attributes.get('dilations')?.list?.i);
  if (!isPlain || !padding || strides.length !== 4 || strides[0] !== 1 || strides[3] !== 1) return undefined;
  return { strides: strides.slice(1, 3), padding };
}

/** What is done to the pictures before the first layer. */
function isInput({ kind }: Operation): boolean {
  return ['pictures', 'reverse', 'multiply', 'normalise'].includes(kind);
}

/** Whether it is [batch, features] already. */
function isFlat(operation: Operation): boolean {
  const { kind } = operation.kind === 'relu' ? operation.inputs[0] : operation;
  return kind === 'flatten' || kind === 'fullyConnected' || kind === 'globalAveragePool';
}

/** A variable of one axis, which stays what it is when axes of one are put before it. */
const isBiases = (meaning: Meaning | undefined): meaning is Variable =>
  meaning?.kind === 'variable' && meaning.shape.length === 1;

type Understand = (given: Given) => Meaning | undefined;

const isRandom = (meaning: Meaning | undefined) => meaning?.kind === 'random';

/** Of two inputs the one that is an operation, and the other. */
function split([a, b]: Given['inputs']): [Operation, Meaning | undefined] | undefined {
  if (isOperation(a)) return [a, b];
  return isOperation(b) ? [b, a] : undefined;
}

/** A sum with a variable: biases. Of two layers: a residual connection. */
const addition: Understand = (given) => {
  const { node, attributes, inputs } = given;
  const [a, b] = inputs;
  if (!isNhwc(attributes)) return undefined;
  if (isOperation(a) && isOperation(b)) return { kind: 'add', node: node.name, inputs: [a, b] };
  const normalised = normSum(given);
  if (normalised) return normalised;
  const [operation, biases] = split(inputs) ?? [];
  if (operation && biases?.kind === 'constant')
    return arithmetic(node, operation, biases, (offset) => ({ factor: 1, offset }));
  if (operation?.kind !== 'conv' && operation?.kind !== 'fullyConnected') return undefined;
  if (operation.biases || biases?.kind !== 'variable') return undefined;
  const isTransposed = operation.kind === 'fullyConnected' && operation.transposed;
  const outputs = operation.weights.shape.at(isTransposed ? 0 : -1);
  const fits = biases.shape.length === 1 && biases.shape[0] === outputs;
  return fits ? { ...operation, node: node.name, biases } : undefined;
};

/** As it answers; learning, it goes by the batch, which only a run would tell. */
const batchNorm: Understand = ({ node, attributes, inputs: [input, scale, offset, mean, variance] }) => {
  const isAnswering = attributes.get('is_training')?.b === false;
  if (!isAnswering || !isNhwc(attributes) || !isOperation(input)) return undefined;
  if (scale?.kind !== 'variable' || offset?.kind !== 'variable') return undefined;
  if (mean?.kind !== 'variable' || variance?.kind !== 'variable') return undefined;
  const parts = { scale, offset, mean, variance };
  return {
    kind: 'batchNorm',
    node: node.name,
    inputs: [input],
    parts,
    epsilon: attributes.get('epsilon')?.f ?? 1e-4,
  };
};

/** What dropout leaves of its input, which is the input when the network answers: what scales it belongs to it. */
function undropped(operation: Operation): Operation {
  return operation.kind === 'multiply' && !isInput(operation.inputs[0]) ? operation.inputs[0] : operation;
}

/** What a constant makes of each channel. */
type Arithmetic = (constant: number) => { factor: number; offset: number };

/** Pixels that are scaled or shifted by a constant: one number, or one for each channel. */
function arithmetic(
  { name }: NodeDef,
  operation: Operation,
  { values, shape }: Constant,
  of: Arithmetic,
): Operation | undefined {
  const isOne = values.every((value) => value === values[0]);
  const each = (isOne ? values.slice(0, 1) : values).map(of);
  const [factors, offsets] = [each.map(({ factor }) => factor), each.map(({ offset }) => offset)];
  // As Keras's Rescaling adds.
  if (isOne && factors[0] === 1 && offsets[0] === 0) return operation;
  const isOfChannels = isOne || shape.slice(0, -1).every((length) => length === 1);
  if (!isOfChannels || !isInput(operation)) return undefined;
  return { kind: 'normalise', node: name, inputs: [operation], factors, offsets };
}

const difference: Understand = ({ node, inputs: [a, b] }) => {
  if (isOperation(a) && b?.kind === 'constant')
    return arithmetic(node, a, b, (constant) => ({ factor: 1, offset: -constant }));
  if (isOperation(b) && a?.kind === 'constant')
    return arithmetic(node, b, a, (constant) => ({ factor: -1, offset: constant }));
  return undefined;
};

/** What is computed of constants alone. */
function folded({ inputs }: Given, compute: (...numbers: number[]) => number): Constant | undefined {
  const constants = inputs.flatMap((input) => (input?.kind === 'constant' ? [input] : []));
  const longest = constants.reduce(
    (a, b) => (b.values.length > a.values.length ? b : a),
    constants[0] as Constant,
  );
  const fits = constants.every(({ values }) => [1, longest.values.length].includes(values.length));
  if (constants.length !== inputs.length || constants.length === 0 || !fits) return undefined;
  const values = longest.values.map((_, index) =>
    compute(...constants.map((one) => one.values[one.values.length === 1 ? 0 : index] as number)),
  );
  return { ...longest, values };
}

function product({ node, inputs }: Given, factorOf: (value: number) => number): Meaning | undefined {
  const [operation, other] = split(inputs) ?? [];
  if (!operation || isOperation(other)) return undefined;
  if (isRandom(other)) return undropped(operation);
  if (other?.kind === 'constant' && other.values.length > 1)
    return arithmetic(node, operation, other, (value) => ({ factor: factorOf(value), offset: 0 }));
  const isNumber = other?.kind === 'constant' && other.values.length === 1;
  const factor = isNumber ? factorOf(other.values[0] as number) : undefined;
  return { kind: 'multiply', node: node.name, inputs: [operation], factor };
}

const placeholder: Understand = ({ node, attributes }) => {
  const [batch, ...shape] = sizesOf(attributes.get('shape')) ?? sizesOf(outputShape(attributes)) ?? [];
  const isPictures = batch !== undefined && shape.length === 3;
  return isPictures ? { kind: 'pictures', node: node.name, shape } : undefined;
};

/** Older versions tell a placeholder's shape only here. */
function outputShape(attributes: Given['attributes']): AttrValue | undefined {
  const [shape] = attributes.get('_output_shapes')?.list?.shape ?? [];
  return shape && { shape };
}

const variable: Understand = ({ node, attributes }) => {
  const shape = sizesOf(attributes.get('shape'));
  const type = attributes.get('dtype')?.type ?? dataTypes.float32;
  return shape && { kind: 'variable', name: node.name, shape, type };
};

const floats: (number | undefined)[] = [dataTypes.float32, dataTypes.float16];

/** Of variables only to floats: as integers they would lose what is behind the point. */
const cast: Understand = ({ attributes, inputs: [input] }) => {
  if (input?.kind === 'variable') return floats.includes(attributes.get('DstT')?.type) ? input : undefined;
  return isOperation(input) && !isInput(input) ? undefined : input;
};

/** Weights that were rounded to int8, times the scale of each output. */
function rounded([weights, scale]: Given['inputs']): Variable | undefined {
  if (weights?.kind !== 'variable' || scale?.kind !== 'variable') return undefined;
  const isRounded = weights.type === dataTypes.int8 && !weights.scale;
  const fits = scale.shape.length === 1 && scale.shape[0] === weights.shape.at(-1);
  return isRounded && fits ? { ...weights, scale } : undefined;
}

const same: Understand = ({ inputs: [input] }) => input;

/** What each operation of TensorFlow means; undefined: nothing that a layer does. A map: names are a foreign file's. */
const understand = new Map<string, Understand>(
  Object.entries({
    Placeholder: placeholder,
    VariableV2: variable,
    Variable: variable,
    VarHandleOp: variable,
    Identity: same,
    ReadVariableOp: same,
    StopGradient: same,
    Cast: cast,
    Const: ({ attributes }) => {
      const tensor = attributes.get('value')?.tensor;
      const values = valuesOf(tensor);
      const shape = (tensor?.tensor_shape?.dim ?? []).map(({ size }) => size);
      return values && { kind: 'constant', values, shape };
    },
    RandomUniform: () => ({ kind: 'random' }),
    Pack: ({ inputs }) => ({ kind: 'packed', length: inputs.length }),
    Conv2D: ({ node, attributes, inputs: [input, weights] }) => {
      const window = windowOf(attributes);
      if (!window || !isOperation(input) || weights?.kind !== 'variable') return undefined;
      return { kind: 'conv', node: node.name, inputs: [input], weights, ...window };
    },
    MaxPool: ({ node, attributes, inputs: [input] }) => {
      const window = windowOf(attributes);
      const kernel = attributes.get('ksize')?.list?.i ?? [];
      if (!window || !isOperation(input) || kernel.length !== 4 || kernel[0] !== 1 || kernel[3] !== 1)
        return undefined;
      return { kind: 'maxPool', node: node.name, inputs: [input], kernel: kernel.slice(1, 3), ...window };
    },
    Pad: ({ node, inputs: [input, paddings] }) => {
      if (!isOperation(input) || paddings?.kind !== 'constant' || paddings.values.length !== 8)
        return undefined;
      const [first, second, top, bottom, left, right, ...last] = paddings.values as [number, ...number[]];
      const isOfMaps = [first, second, ...last].every((pixels) => pixels === 0);
      const sides = [top, left, bottom, right] as number[];
      return isOfMaps ? { kind: 'zeroPadding', node: node.name, inputs: [input], sides } : undefined;
    },
    Relu: ({ node, inputs: [input] }) =>
      isOperation(input) ? { kind: 'relu', node: node.name, inputs: [input] } : undefined,
    // To [batch, features], whether the batch is -1 or computed. Of biases: to [1, 1, 1, channels], as Keras does.
    Reshape: ({ node, inputs: [input, shape] }) => {
      if (isBiases(input))
        return shape?.kind === 'constant' && isOnes(shape.values.slice(0, -1)) ? input : undefined;
      const length =
        shape?.kind === 'packed' ? shape.length : shape?.kind === 'constant' ? shape.values.length : 0;
      if (length !== 2 || !isOperation(input)) return undefined;
      return isFlat(input) ? input : { kind: 'flatten', node: node.name, inputs: [input] };
    },
    Squeeze: ({ inputs: [input] }) => (isBiases(input) ? input : undefined),
    MatMul: ({ node, attributes, inputs: [input, weights] }) => {
      if (attributes.get('transpose_a')?.b || !isOperation(input) || weights?.kind !== 'variable')
        return undefined;
      const transposed = attributes.get('transpose_b')?.b === true;
      return { kind: 'fullyConnected', node: node.name, inputs: [input], weights, transposed };
    },
    Add: addition,
    AddV2: addition,
    BiasAdd: addition,
    FusedBatchNorm: batchNorm,
    FusedBatchNormV2: batchNorm,
    FusedBatchNormV3: batchNorm,
    Mean: ({ node, attributes, inputs: [input, axes] }) => {
      const isOfMaps =
        axes?.kind === 'constant' && axes.values.join() === '1,2' && !attributes.get('keep_dims')?.b;
      return isOfMaps && isOperation(input)
        ? { kind: 'globalAveragePool', node: node.name, inputs: [input] }
        : undefined;
    },
    Mul: (given) => rounded(given.inputs) ?? normProduct(given) ?? product(given, (value) => value),
    Rsqrt: normRoot,
    Sqrt: (given) => folded(given, Math.sqrt),
    Maximum: (given) => folded(given, Math.max),
    Sub: (given) => normDifference(given) ?? difference(given),
    RealDiv: (given) => (isOperation(given.inputs[0]) ? product(given, (value) => 1 / value) : undefined),
    ReverseV2: ({ node, inputs: [input, axis] }) => {
      const isOfChannels =
        axis?.kind === 'constant' && axis.values.length === 1 && [3, -1].includes(axis.values[0] as number);
      if (!isOfChannels || !isOperation(input) || !isInput(input)) return undefined;
      return { kind: 'reverse', node: node.name, inputs: [input] };
    },
    // Dropout: where a random number is high enough, the input.
    SelectV2: ({ inputs: [condition, input] }) =>
      isRandom(condition) && isOperation(input) ? undropped(input) : undefined,
  }),
);

/** The node that an input names by its first output: 'Relu', 'Relu:0'. Others than the first are none of a layer's. */
export const nodeOf = (input: string): string => (input.endsWith(':0') ? input.slice(0, -2) : input);

/** Not '^node', which is only to run before. */
export const isData = (input: string): boolean => !input.startsWith('^');

/** TensorFlow's scope of what tf.gradients adds, which reads the variables again. */
const gradients = /(^|\/)gradients(_\d+)?\//;
/** What changes variables, or saves them. */
const bookkeeping = /^(Resource|Sparse)*Apply|^Assign|^Save/;

/** Whether layers follow on what is unknown: something of the network that has weights. */
function isHindered({ node, inputs }: Given): boolean {
  if (gradients.test(node.name) || bookkeeping.test(node.op)) return false;
  return (
    inputs.some((input) => input?.kind === 'unknown') && inputs.some((input) => input?.kind === 'variable')
  );
}

function meaningOf(given: Given): Meaning | undefined {
  const { node, inputs } = given;
  const known = understand.get(node.op)?.(given);
  if (known) return known;
  const unknown = inputs.find((input) => input?.kind === 'unknown');
  if (unknown) return unknown;
  if (inputs.some(isOperation)) return { kind: 'unknown', node: node.name, op: node.op };
  return inputs.some(isRandom) ? { kind: 'random' } : undefined;
}

export interface Understood {
  /** By the nodes' names. */
  meanings: ReadonlyMap<string, Meaning | undefined>;
  /** In the order of the graph, in which each comes after what it reads. */
  operations: Operation[];
  /** Those of them that no other goes on from. */
  ends: Operation[];
  /** What bat-sup has no layer for, though layers follow. */
  hindrances: Unknown[];
}

/** What a graph computes. One pass in the order of its nodes: a Saver writes them as they were made. */
export function understandGraph(nodes: NodeDef[]): Understood {
  const meanings = new Map<string, Meaning | undefined>();
  const operations = new Set<Operation>();
  const read = new Set<Meaning | undefined>();
  const hindrances: Unknown[] = [];
  for (const node of nodes) {
    const given = {
      node,
      attributes: new Map(
        node.attr.flatMap(({ key, value }): [string, AttrValue][] => (value ? [[key, value]] : [])),
      ),
      inputs: node.input.filter(isData).map((input) => meanings.get(nodeOf(input))),
    };
    const meaning = meaningOf(given);
    meanings.set(node.name, meaning);
    if (isHindered(given))
      hindrances.push(given.inputs.find((input) => input?.kind === 'unknown') as Unknown);
    if (!isOperation(meaning)) continue;
    // A node that changes nothing, as Identity, means what a node before it means.
    operations.add(meaning);
    for (const input of given.inputs) if (input !== meaning) read.add(input);
  }
  const all = [...operations];
  return { meanings, operations: all, ends: all.filter((operation) => !read.has(operation)), hindrances };
}
