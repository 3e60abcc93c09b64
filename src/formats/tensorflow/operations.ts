import type { Tensor } from '../../tensors/tensors.ts';
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
  const lists = new Map<number, number[] | undefined>([
    [dataTypes.float32, float_val],
    [dataTypes.int32, int_val],
    [dataTypes.int64, int64_val],
  ]);
  if (!lists.has(dtype)) return undefined;
  const listed = lists.get(dtype) ?? [];
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

const floats: (number | undefined)[] = [dataTypes.float32, dataTypes.float16];

function readConstant({ name, attributes }: GraphNode): Constant | Variable | undefined {
  const tensor = attributes.get('value')?.tensor;
  if (!tensor) return undefined;
  const values = valuesOf(tensor);
  const shape = (tensor.tensor_shape?.dim ?? []).map(({ size }) => size);
  const weights: Variable | undefined = floats.includes(tensor.dtype)
    ? { kind: 'variable', name, shape, type: tensor.dtype, tensor }
    : undefined;
  return values ? { kind: 'constant', values, shape, ...(weights && { weights }) } : weights;
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
  return isOfChannels && input ? reversed(node, input) : undefined;
}

function reversed(node: GraphNode, input: Operation): Operation | undefined {
  if (!input.preprocessing) return undefined;
  const make: Operation['make'] = ({ builder, where }, [pixels]) => builder.reverseChannels(pixels, where);
  return operation(node, [input], { preprocessing: 'reverse', make });
}

/**
 * The numbers of a StridedSlice whose index is [..., a number or a slice].
 * @returns undefined where it has another index.
 */
function lastAxisSlice(node: GraphNode | undefined) {
  const [input, ...ends] = node?.inputs ?? [];
  const [begin, end, step] = ends.map((one) => constantOf(one)?.values);
  const mask = (name: string) => node?.attributes.get(name)?.i ?? 0;
  // The first bit of a mask is the ellipsis, the second the last axis.
  const isOfLastAxis =
    node?.op === 'StridedSlice' && mask('ellipsis_mask') === 1 && mask('new_axis_mask') === 0;
  if (!isOfLastAxis || ![begin, end, step].every((one) => one?.length === 2)) return undefined;
  const isOne = (mask('shrink_axis_mask') & 2) !== 0;
  const isWhole = (mask('begin_mask') & 2) !== 0 && (mask('end_mask') & 2) !== 0;
  return { input: operationOf(input), begin: begin?.[1], step: step?.[1], isOne, isWhole };
}

/** Pixels with their channels reversed: x[..., ::-1]. */
function readSlice(node: GraphNode): Operation | undefined {
  const { input, step, isOne, isWhole } = lastAxisSlice(node) ?? {};
  return input && isWhole && !isOne && step === -1 ? reversed(node, input) : undefined;
}

/** x[..., 2], x[..., 1] and x[..., 0] side by side, as Keras 3 spells BGR. */
function readStack(node: GraphNode): Operation | undefined {
  const slices = node.inputs.map(lastAxisSlice);
  const [input] = slices.map((slice) => slice?.input);
  const isOfOne = slices.every((slice) => slice?.isOne && slice.input === input);
  const isReversed = slices.map((slice) => slice?.begin).join() === '2,1,0';
  const axis = node.attributes.get('axis')?.i ?? 0;
  return input && isOfOne && isReversed && [3, -1].includes(axis) ? reversed(node, input) : undefined;
}

/** The input that is an operation, and the other one. */
function split({ inputs: [a, b] }: GraphNode): [Operation, GraphNode | undefined] | undefined {
  const [one, other] = [operationOf(a), operationOf(b)];
  if (one) return [one, b];
  return other && [other, a];
}

/** What a constant does to each channel. */
type Arithmetic = (constant: number) => { factor: number; offset: number };

/** A layer's output that is scaled or shifted by weights: one number, or one for each channel. */
function affineOfChannels(
  node: GraphNode,
  input: Operation,
  weights: Variable | undefined,
  channel: Arithmetic,
): Operation | undefined {
  if (!weights) return undefined;
  const rank = input.isFlat ? 2 : 4;
  const { shape } = weights;
  const isOfChannels = shape.length <= rank && shape.slice(0, -1).every((one) => one === 1);
  if (!isOfChannels || !isNhwc(node)) return undefined;
  const make: Operation['make'] = ({ builder, where, tensors }, [x]) => {
    const each = [...(tensors.weights as Tensor).values].map(channel);
    const affine = { factors: each.map(({ factor }) => factor), offsets: each.map(({ offset }) => offset) };
    return builder.scaling.normalise(x, affine, where);
  };
  return {
    kind: 'operation',
    node: node.name,
    inputs: [input],
    variables: { weights },
    isFlat: input.isFlat,
    make,
  };
}

/** Pixels that are scaled or shifted by a constant: one number, or one for each channel; or a layer's output by weights. */
function arithmetic(
  node: GraphNode,
  input: Operation,
  { values, shape, weights }: Constant,
  channel: Arithmetic,
): Operation | undefined {
  const isOne = values.every((value) => value === values[0]);
  const each = (isOne ? values.slice(0, 1) : values).map(channel);
  const [factors, offsets] = [each.map(({ factor }) => factor), each.map(({ offset }) => offset)];
  // Keras's Rescaling adds 0.
  if (isOne && factors[0] === 1 && offsets[0] === 0) return input;
  const isOfChannels = isOne || shape.slice(0, -1).every((length) => length === 1);
  if (!input.preprocessing) return affineOfChannels(node, input, weights, channel);
  if (!isOfChannels) return undefined;
  const make: Operation['make'] = ({ builder, where }, [pixels]) =>
    builder.scaling.normalise(pixels, { factors, offsets }, where);
  return operation(node, [input], { preprocessing: 'normalise', make });
}

function readSum(node: GraphNode): Operation | undefined {
  const [input, other] = split(node) ?? [];
  if (!input || !isNhwc(node)) return undefined;
  const shift: Arithmetic = (offset) => ({ factor: 1, offset });
  const constant = constantOf(other);
  return constant
    ? arithmetic(node, input, constant, shift)
    : affineOfChannels(node, input, variableOf(other), shift);
}

function readDifference(node: GraphNode): Operation | undefined {
  const [a, b] = node.inputs;
  const [one, other] = [operationOf(a), operationOf(b)];
  const [subtrahend, minuend] = [constantOf(b), constantOf(a)];
  const lower: Arithmetic = (constant) => ({ factor: 1, offset: -constant });
  if (one && subtrahend) return arithmetic(node, one, subtrahend, lower);
  if (one && variableOf(b)) return affineOfChannels(node, one, variableOf(b), lower);
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
  const scale: Arithmetic = (value) => ({ factor: factorOf(value), offset: 0 });
  const constant = constantOf(other);
  if (constant && constant.values.length > 1) return arithmetic(node, input, constant, scale);
  if (!constant && variableOf(other)) return affineOfChannels(node, input, variableOf(other), scale);
  const [value] = constant?.values ?? [];
  // Without a constant the factor is known only when the graph runs.
  const factor = value === undefined ? Number.NaN : factorOf(value);
  if (factor === 1) return input;
  const make = ({ builder, where }: Parameters<Operation['make']>[0], [pixels]: [Value, ...Value[]]) =>
    builder.scaling.rescale(pixels, factor, where);
  return { ...operation(node, [input], { preprocessing: 'multiply', make }), isFlat: input.isFlat };
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
    Pack: (node) =>
      readStack(node) ?? {
        kind: 'packed',
        values: node.inputs.map((input) => constantOf(input)?.values[0]),
      },
    StridedSlice: readSlice,
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

/** Variables may become floats only: as integers they would lose their fractions. */
function isCastPassing({ attributes, inputs: [input] }: GraphNode): boolean {
  if (variableOf(input)) return floats.includes(attributes.get('DstT')?.type);
  const operation = operationOf(input);
  return !operation || operation.preprocessing !== undefined;
}

/** Biases stay what they are when axes of one are put before them, as Keras does. */
const isOfBiases = ({ inputs: [input] }: GraphNode) => variableOf(input)?.shape.length === 1;

/** The same of what has other axes of length 1 already. */
const isOfOneAxis = ({ inputs: [input] }: GraphNode) =>
  variableOf(input)
    ?.shape.slice(0, -1)
    .every((length) => length === 1) ?? false;

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
  ['Squeeze', isOfOneAxis],
  ['Transpose', ({ inputs: [, order] }) => constantOf(order)?.values.join() === '0,1,2,3'],
]);
