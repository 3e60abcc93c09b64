import type { Value } from '../network_builder.ts';
import {
  type Constant,
  constantOf,
  type GraphNode,
  isRandom,
  lengthOf,
  type Meaning,
  type Operation,
  operationOf,
  type Variable,
  variableOf,
} from './meanings.ts';
import { type AttrValue, dataTypes, type TensorMessage } from './messages.ts';
import { isNhwc } from './reading.ts';

/**
 * The meaning of nodes that are not layers: variables and constants, preprocessing of the pixels, and what is left of
 * dropout in inference. It follows from what they compute, not from how they or their variables are named.
 */

const sizesOf = (value: AttrValue | undefined) => value?.shape?.dim.map(({ size }) => size);

/** Longer constants are neither shapes nor axes nor factors. */
const maxConstant = 16;

/** A short tensor's values: packed as bytes, or listed, the last repeated. */
function valuesOf(tensor: TensorMessage | undefined): number[] | undefined {
  if (!tensor) return undefined;
  const { dtype, tensor_shape: shape, tensor_content: content, float_val, int_val, int64_val } = tensor;
  const size = (shape?.dim ?? []).reduce((product, { size }) => product * size, 1);
  if (!(size >= 0 && size <= maxConstant)) return undefined;
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

function readConstant({ attributes }: GraphNode): Constant | undefined {
  const tensor = attributes.get('value')?.tensor;
  const values = valuesOf(tensor);
  const shape = (tensor?.tensor_shape?.dim ?? []).map(({ size }) => size);
  return values && { kind: 'constant', values, shape };
}

function readVariable({ name, attributes }: GraphNode): Variable | undefined {
  const shape = sizesOf(attributes.get('shape'));
  const type = attributes.get('dtype')?.type ?? dataTypes.float32;
  return shape && { kind: 'variable', name, shape, type };
}

type Preprocessing = Pick<Operation, 'make'> & { preprocessing: NonNullable<Operation['preprocessing']> };

function operation({ name }: GraphNode, inputs: Operation[], made: Preprocessing): Operation {
  return { kind: 'operation', node: name, inputs, isFlat: false, ...made };
}

function readPlaceholder(node: GraphNode): Operation | undefined {
  const { attributes } = node;
  // Older versions put a placeholder's shape only into _output_shapes.
  const [shown] = attributes.get('_output_shapes')?.list?.shape ?? [];
  const sizes = sizesOf(attributes.get('shape')) ?? (shown && sizesOf({ shape: shown }));
  const [batch, ...shape] = sizes ?? [];
  if (batch === undefined || shape.length !== 3) return undefined;
  const make: Operation['make'] = ({ builder, where }) => builder.pictures(where, shape);
  return operation(node, [], { preprocessing: 'pictures', make });
}

function readReverse(node: GraphNode): Operation | undefined {
  const input = operationOf(node.inputs[0]);
  const axes = constantOf(node.inputs[1])?.values ?? [];
  const isOfChannels = axes.length === 1 && [3, -1].includes(axes[0] as number);
  if (!isOfChannels || !input?.preprocessing) return undefined;
  return operation(node, [input], { preprocessing: 'reverse', make: (_, [pixels]) => pixels });
}

/** The input that is an operation, and the other one. */
function split({ inputs: [a, b] }: GraphNode): [Operation, GraphNode | undefined] | undefined {
  const [one, other] = [operationOf(a), operationOf(b)];
  if (one) return [one, b];
  return other && [other, a];
}

/** What a constant does to each channel. */
type Arithmetic = (constant: number) => { factor: number; offset: number };

/** Pixels that are scaled or shifted by a constant: one number, or one for each channel. */
function arithmetic(
  node: GraphNode,
  input: Operation,
  { values, shape }: Constant,
  channel: Arithmetic,
): Operation | undefined {
  const isOne = values.every((value) => value === values[0]);
  const each = (isOne ? values.slice(0, 1) : values).map(channel);
  const [factors, offsets] = [each.map(({ factor }) => factor), each.map(({ offset }) => offset)];
  // Keras's Rescaling adds 0.
  if (isOne && factors[0] === 1 && offsets[0] === 0) return input;
  const isOfChannels = isOne || shape.slice(0, -1).every((length) => length === 1);
  if (!isOfChannels || !input.preprocessing) return undefined;
  const make: Operation['make'] = ({ builder, where }, [pixels]) =>
    builder.scaling.normalise(pixels, { factors, offsets }, where);
  return operation(node, [input], { preprocessing: 'normalise', make });
}

function readSum(node: GraphNode): Operation | undefined {
  const [input, other] = split(node) ?? [];
  const constant = constantOf(other);
  if (!input || !constant || !isNhwc(node)) return undefined;
  return arithmetic(node, input, constant, (offset) => ({ factor: 1, offset }));
}

function readDifference(node: GraphNode): Operation | undefined {
  const [a, b] = node.inputs;
  const [one, other] = [operationOf(a), operationOf(b)];
  const [subtrahend, minuend] = [constantOf(b), constantOf(a)];
  if (one && subtrahend)
    return arithmetic(node, one, subtrahend, (constant) => ({ factor: 1, offset: -constant }));
  if (other && minuend)
    return arithmetic(node, other, minuend, (constant) => ({ factor: -1, offset: constant }));
  return undefined;
}

/** The output of dropout in inference: its input. What scales that is part of dropout. */
function undropped(input: Operation): Operation {
  const [before] = input.inputs;
  return input.preprocessing === 'multiply' && before && !before.preprocessing ? before : input;
}

function readProduct(node: GraphNode, factorOf: (value: number) => number): Operation | undefined {
  const [input, other] = split(node) ?? [];
  if (!input || operationOf(other)) return undefined;
  if (isRandom(other)) return undropped(input);
  const constant = constantOf(other);
  if (constant && constant.values.length > 1)
    return arithmetic(node, input, constant, (value) => ({ factor: factorOf(value), offset: 0 }));
  const [value] = constant?.values ?? [];
  // Without a constant the factor is known only when the graph runs.
  const factor = value === undefined ? Number.NaN : factorOf(value);
  if (factor === 1) return input;
  const make = ({ builder, where }: Parameters<Operation['make']>[0], [pixels]: [Value, ...Value[]]) =>
    builder.scaling.rescale(pixels, factor, where);
  return operation(node, [input], { preprocessing: 'multiply', make });
}

/** Weights that were rounded to int8, times the scale of each output. */
function readRounded({ inputs }: GraphNode): Variable | undefined {
  const [weights, scale] = [variableOf(inputs[0]), variableOf(inputs[1])];
  if (!weights || !scale) return undefined;
  const isRounded = weights.type === dataTypes.int8 && !weights.scale;
  const fits = scale.shape.length === 1 && scale.shape[0] === weights.shape.at(-1);
  return isRounded && fits ? { ...weights, scale } : undefined;
}

/** What is computed of constants alone. */
function fold({ inputs }: GraphNode, compute: (...numbers: number[]) => number): Constant | undefined {
  const constants = inputs.flatMap((input) => constantOf(input) ?? []);
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

type Interpret = (node: GraphNode) => Meaning | undefined;

/** By op. A map, since the ops are a foreign file's names. */
export const otherOperations = new Map<string, Interpret>(
  Object.entries({
    Placeholder: readPlaceholder,
    VariableV2: readVariable,
    Variable: readVariable,
    VarHandleOp: readVariable,
    Const: readConstant,
    RandomUniform: () => ({ kind: 'random' }),
    Pack: ({ inputs }) => ({
      kind: 'packed',
      values: inputs.map((input) => constantOf(input)?.values[0]),
    }),
    Add: readSum,
    AddV2: readSum,
    BiasAdd: readSum,
    Sub: readDifference,
    Mul: (node) => readRounded(node) ?? readProduct(node, (value) => value),
    RealDiv: (node) => (operationOf(node.inputs[0]) ? readProduct(node, (value) => 1 / value) : undefined),
    Sqrt: (node) => fold(node, Math.sqrt),
    Maximum: (node) => fold(node, Math.max),
    ReverseV2: readReverse,
    // Dropout: the input where a random number is high enough.
    SelectV2({ inputs: [condition, input] }) {
      const kept = operationOf(input);
      return isRandom(condition) && kept ? undropped(kept) : undefined;
    },
  } satisfies Record<string, Interpret>),
);

const floats: (number | undefined)[] = [dataTypes.float32, dataTypes.float16];

/** Variables may become floats only: as integers they would lose their fractions. */
function isCastPassing({ attributes, inputs: [input] }: GraphNode): boolean {
  if (variableOf(input)) return floats.includes(attributes.get('DstT')?.type);
  const operation = operationOf(input);
  return !operation || operation.preprocessing !== undefined;
}

/** Biases stay what they are when axes of one are put before them, as Keras does. */
const isOfBiases = ({ inputs: [input] }: GraphNode) => variableOf(input)?.shape.length === 1;

function isReshapePassing(node: GraphNode): boolean {
  const [input, shape] = node.inputs;
  if (isOfBiases(node))
    return (
      constantOf(shape)
        ?.values.slice(0, -1)
        .every((length) => length === 1) ?? false
    );
  return lengthOf(shape) === 2 && operationOf(input)?.isFlat === true;
}

/** Whether a node of this op only passes its first input on, as far as the network is concerned. */
export const passing = new Map<string, (node: GraphNode) => boolean>([
  ['Identity', () => true],
  // Around what has a gradient of its own, as Keras's silu; its first output is its first input.
  ['IdentityN', () => true],
  ['ReadVariableOp', () => true],
  ['StopGradient', () => true],
  ['Cast', isCastPassing],
  ['Reshape', isReshapePassing],
  ['Squeeze', isOfBiases],
]);
