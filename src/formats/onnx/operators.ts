import { allFormats } from '../../layers/formats.ts';
import { sizeOf } from '../../tensors/shape.ts';
import { permute, type Tensor } from '../../tensors/tensors.ts';
import type { Operator } from './layer_format.ts';
import type { Item, Layout, Operand, Reading } from './reading.ts';

/** Operators that are not layers: constants, shapes, layouts and the scaling of pixels. */

/** Reshapes a constant; a reshape of maps is read by the flattening layer. */
function reshapeConstant(reading: Reading): Item | undefined {
  if (reading.inputs[0]?.kind !== 'constant') return undefined;
  const { shape: before, values } = reading.required(0);
  const shape = [...reading.required(1).values];
  const open = values.length / -sizeOf(shape);
  const whole = shape.map((length) => (length === -1 ? open : length));
  if (sizeOf(whole) !== values.length) reading.fail(`reshapes [${before}] to [${shape}]`);
  return { kind: 'constant', tensor: { shape: whole, values } };
}

function transposed(reading: Reading): Item {
  const [item] = reading.inputs;
  const perm = reading.ints('perm') ?? [];
  if (item?.kind === 'constant') {
    const { shape } = item.tensor;
    const axes = perm.length > 0 ? perm : shape.map((_, axis) => shape.length - 1 - axis);
    if ([...axes].sort().join() !== [...shape.keys()].join()) reading.fail(`has perm [${perm}]`);
    return { kind: 'constant', tensor: permute(item.tensor, axes) };
  }
  const { value, layout } = reading.operand();
  const to: Record<string, Layout> = { 'nhwc 0,3,1,2': 'nchw', 'nchw 0,2,3,1': 'nhwc' };
  const turned = to[`${layout} ${perm}`];
  if (!turned || value.shape.length !== 3) reading.fail(`has perm [${perm}] of ${layout}`);
  return { kind: 'value', value, layout: turned };
}

/** x * factor + offset. */
interface Arithmetic {
  factor: number;
  offset: number;
}

/** Scales or shifts by a constant: one number, or one for each channel. */
function withConstant(
  reading: Reading,
  arithmetic: (constant: number, isFirst: boolean) => Arithmetic,
): Item {
  const isFirst = reading.inputs[0]?.kind === 'constant';
  const operand = reading.operand(isFirst ? 1 : 0);
  const constants = channelValues(reading, reading.required(isFirst ? 0 : 1), operand);
  const each = constants.map((constant) => arithmetic(constant, isFirst));
  const factors = each.map(({ factor }) => factor);
  const offsets = each.map(({ offset }) => offset);
  return {
    ...operand,
    value: reading.builder.scaling.normalise(operand.value, { factors, offsets }, reading.where),
  };
}

/** A constant's single value, or one value per channel; its shape must then follow the channels' axis. */
function channelValues(reading: Reading, { shape, values }: Tensor, { value, layout }: Operand): number[] {
  const [first] = values;
  if (first === undefined) return reading.fail('has a constant without values');
  if (values.every((one) => one === first)) return [first];
  const rank = value.shape.length + 1;
  const channelAxis = layout === 'nchw' ? 1 : rank - 1;
  const lengths = [...Array(Math.max(0, rank - shape.length)).fill(1), ...shape];
  const isOfChannels = lengths.every((length, axis) => length === 1 || axis === channelAxis);
  if (lengths.length !== rank || !isOfChannels)
    reading.fail(`has a constant of shape [${shape}]; bat-sup supports one value, or one for each channel`);
  return [...values];
}

const hasConstant = ({ inputs }: Reading) => inputs.some((item) => item?.kind === 'constant');

const multiply = (reading: Reading) =>
  hasConstant(reading) ? withConstant(reading, (factor) => ({ factor, offset: 0 })) : undefined;

const add = (reading: Reading) =>
  hasConstant(reading) ? withConstant(reading, (offset) => ({ factor: 1, offset })) : undefined;

const subtract = (reading: Reading) =>
  withConstant(reading, (constant, isFirst) =>
    isFirst ? { factor: -1, offset: constant } : { factor: 1, offset: -constant },
  );

function divide(reading: Reading): Item {
  if (reading.inputs[0]?.kind !== 'value') reading.fail('divides a constant');
  return withConstant(reading, (divisor) => ({ factor: 1 / divisor, offset: 0 }));
}

function dequantised(reading: Reading): Item {
  const { shape, values } = reading.required(0);
  const scales = reading.required(1).values;
  const zeros = reading.constant(2)?.values;
  const axis = reading.int('axis', 1);
  const channels = scales.length === 1 ? 1 : (shape[axis < 0 ? axis + shape.length : axis] ?? 0);
  if (scales.length !== channels) reading.fail(`has ${scales.length} scales for the shape [${shape}]`);
  const inner =
    scales.length === 1 ? values.length : sizeOf(shape.slice((axis < 0 ? axis + shape.length : axis) + 1));
  const result = values.map((value, index) => {
    const channel = Math.floor(index / inner) % channels;
    return (value - (zeros?.[channel] ?? 0)) * (scales[channel] as number);
  });
  return { kind: 'constant', tensor: { shape, values: result } };
}

const unchanged = (reading: Reading): Item => reading.inputs[0] ?? reading.fail('has no input');
const softmax = (reading: Reading): Item => reading.like(reading.builder.softmax(reading.operand().value));
const shape = (): Item => ({ kind: 'shape' });

/** A node whose inputs are all shapes or constants computes a shape; with maps among them it must be a layer. */
function shapeArithmetic(reading: Reading): Item | undefined {
  return reading.inputs.every((item) => item?.kind !== 'value') ? shape() : undefined;
}

const kit: Record<string, (reading: Reading) => Item | undefined> = {
  Reshape: reshapeConstant,
  Squeeze: ({ inputs: [item] }) => (item?.kind === 'shape' ? shape() : undefined),
  Transpose: transposed,
  Mul: multiply,
  Div: divide,
  Sub: subtract,
  Add: add,
  Constant: (reading) => ({
    kind: 'constant',
    tensor: reading.tensor('value') ?? constantAttribute(reading),
  }),
  DequantizeLinear: dequantised,
  Softmax: softmax,
  // The softmax of log-probabilities is the softmax of the logits.
  LogSoftmax: softmax,
  Identity: unchanged,
  Cast: unchanged,
  Shape: shape,
  Gather: shapeArithmetic,
  Unsqueeze: shapeArithmetic,
  Concat: shapeArithmetic,
  Slice: shapeArithmetic,
};

/** For each operator's name the ways to read it, in the order in which they are tried. */
const operators = new Map<string, Operator[]>();
for (const [name, read] of Object.entries(kit)) operators.set(name, [{ read }]);
for (const { onnx } of allFormats)
  for (const [name, operator] of Object.entries(onnx.read))
    operators.set(name, [...(operators.get(name) ?? []), operator]);

/**
 * Reads a node. @returns its output, and whether the next node was read along with it.
 * @throws {UserError} where bat-sup has no layer for it.
 */
export function readNode(reading: Reading): { item: Item; takesNext: boolean } {
  const { op_type: name, domain = '' } = reading.node;
  const candidates = ['', 'ai.onnx'].includes(domain) ? (operators.get(name) ?? []) : [];
  for (const operator of candidates) {
    const item = operator.read(reading);
    if (item) return { item, takesNext: operator.takesNext?.(reading) ?? false };
  }
  return reading.fail('is an operator for which bat-sup has no layer');
}

function constantAttribute(reading: Reading): Tensor {
  const ints = reading.ints('value_ints');
  if (ints) return { shape: [ints.length], values: Float32Array.from(ints) };
  const value = reading.node.attribute[0];
  if (value?.name === 'value_int') return { shape: [], values: Float32Array.of(value.i ?? 0) };
  if (value?.name === 'value_float') return { shape: [], values: Float32Array.of(value.f ?? 0) };
  return reading.fail('is a constant of a kind that bat-sup does not read');
}
