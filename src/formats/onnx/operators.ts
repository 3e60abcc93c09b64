import { allFormats } from '../../layers/formats.ts';
import { sizeOf } from '../../tensors/shape.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import { gatherColours, joinColours, refusePart, scaleColours, sliceColours } from './colours.ts';
import { fold } from './folding.ts';
import type { Operator } from './layer_format.ts';
import { dataTypes } from './protos.ts';
import type { Item, Layout, Operand, Reading } from './reading.ts';

/** Operators that are not layers: layouts and the scaling of pixels; folding.ts has those of constants and shapes. */

function transposed(reading: Reading): Item {
  const perm = reading.ints('perm') ?? [];
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
  const other = reading.inputs[isFirst ? 1 : 0];
  const number = reading.required(isFirst ? 0 : 1);
  if (other?.kind === 'colours' && number.values.length === 1)
    return scaleColours(other, arithmetic(number.values[0] as number, isFirst));
  const operand = reading.operand(isFirst ? 1 : 0);
  const constants = channelValues(reading, number, operand);
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
  if (reading.inputs[0]?.kind === 'constant') reading.fail('divides a constant');
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

/** Converts maps to another type of floats, which bat-sup's are anyway. */
function converted(reading: Reading): Item {
  const to = reading.int('to', dataTypes.float32);
  const { float16, float32, float64, bfloat16 } = dataTypes;
  if (![float16, float32, float64, bfloat16].some((type) => type === to))
    reading.fail('rounds to whole numbers, which bat-sup does not support');
  return unchanged(reading);
}

const softmax = (reading: Reading): Item => reading.like(reading.builder.softmax(reading.operand().value));
/** Colours are taken out of the pictures with their axis kept. */
const unsqueezedColours = ({ inputs: [item] }: Reading) => (item?.kind === 'colours' ? item : undefined);

const kit: Record<string, (reading: Reading) => Item | undefined> = {
  Transpose: transposed,
  Gather: gatherColours,
  Slice: sliceColours,
  Unsqueeze: unsqueezedColours,
  Concat: joinColours,
  Split: refusePart,
  Mul: multiply,
  Div: divide,
  Sub: subtract,
  Add: add,
  DequantizeLinear: dequantised,
  Softmax: softmax,
  // The softmax of log-probabilities is the softmax of the logits.
  LogSoftmax: softmax,
  Identity: unchanged,
  Cast: converted,
  CastLike: unchanged,
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
  const isStandard = ['', 'ai.onnx'].includes(domain);
  const folded = isStandard ? fold(reading) : undefined;
  if (folded) return { item: folded, takesNext: false };
  const candidates = isStandard ? (operators.get(name) ?? []) : [];
  for (const operator of candidates) {
    const item = operator.read(reading);
    if (item) return { item, takesNext: operator.takesNext?.(reading) ?? false };
  }
  return reading.fail('is an operator for which bat-sup has no layer');
}
