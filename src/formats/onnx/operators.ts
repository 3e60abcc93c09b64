import { addRelu } from '../../layers/activation/formats.ts';
import { addAddition } from '../../layers/add/formats.ts';
import { addBatchNorm } from '../../layers/batch_norm/formats.ts';
import { addConv } from '../../layers/conv/formats.ts';
import { addDropout } from '../../layers/dropout/formats.ts';
import { addFlatten } from '../../layers/flatten/formats.ts';
import { addFullyConnected } from '../../layers/fully_connected/formats.ts';
import { addGlobalAveragePool } from '../../layers/global_average_pool/formats.ts';
import { addMaxPool } from '../../layers/pool/formats.ts';
import { addZeroPadding } from '../../layers/zero_padding/formats.ts';
import { sizeOf } from '../../tensors/shape.ts';
import { permute, type Tensor, toHwio, transpose } from '../../tensors/tensors.ts';
import type { NetworkBuilder, Value } from '../network_builder.ts';
import type { Padding } from '../windows.ts';
import type { NodeMessage } from './protos.ts';
import { readTensor } from './tensor.ts';

/** Where a map's channels stand: before height and width, as ONNX's operators want them, or after. */
type Layout = 'nchw' | 'nhwc';

/** What a name in the graph stands for. */
export type Item =
  | { kind: 'value'; value: Value; layout: Layout }
  | { kind: 'constant'; tensor: Tensor }
  /** A shape that the graph computes of its input's, as PyTorch does to flatten. */
  | { kind: 'shape' };

export type Operand = Extract<Item, { kind: 'value' }>;

/** A node with what it reads. */
export class Reading {
  readonly builder: NetworkBuilder;
  readonly node: NodeMessage;
  readonly inputs: (Item | undefined)[];
  /** The one node that reads this one's output, if it is one alone. */
  readonly next: NodeMessage | undefined;

  constructor(
    builder: NetworkBuilder,
    node: NodeMessage,
    inputs: (Item | undefined)[],
    next: NodeMessage | undefined,
  ) {
    this.builder = builder;
    this.node = node;
    this.inputs = inputs;
    this.next = next;
  }

  get where(): string {
    return `the node ${this.node.name || this.node.output[0]} (${this.node.op_type})`;
  }

  fail(why: string): never {
    return this.builder.fail(this.where, why);
  }

  operand(index = 0): Operand {
    const item = this.inputs[index];
    return item?.kind === 'value'
      ? item
      : this.fail(`reads nothing of the pictures as its input ${index + 1}`);
  }

  /** A constant input; undefined where the node has none. */
  constant(index: number): Tensor | undefined {
    const item = this.inputs[index];
    if (item === undefined) return undefined;
    return item.kind === 'constant'
      ? item.tensor
      : this.fail(`has an input ${index + 1} that is no constant`);
  }

  required(index: number): Tensor {
    return this.constant(index) ?? this.fail(`has no input ${index + 1}`);
  }

  #attribute(name: string) {
    return this.node.attribute.find((attribute) => attribute.name === name);
  }

  int(name: string, otherwise: number): number {
    return this.#attribute(name)?.i ?? otherwise;
  }

  float(name: string, otherwise: number): number {
    return this.#attribute(name)?.f ?? otherwise;
  }

  ints(name: string): number[] | undefined {
    return this.#attribute(name)?.ints;
  }

  tensor(name: string): Tensor | undefined {
    const message = this.#attribute(name)?.t;
    return message ? readTensor(message, (why) => this.fail(why)) : undefined;
  }

  text(name: string): string | undefined {
    const bytes = this.#attribute(name)?.s;
    return bytes && Buffer.from(bytes).toString('latin1');
  }

  /** Refuses integers of other values. */
  expect(settings: Record<string, { value: number; allowed: number }>): void {
    for (const [name, { value, allowed }] of Object.entries(settings))
      if (value !== allowed) this.fail(`has ${name} ${value}; bat-sup has ${allowed} only`);
  }

  /** The input, whose channels have to come first. */
  channelsFirst(): Value {
    const { value, layout } = this.operand();
    if (value.shape.length === 3 && layout !== 'nchw') this.fail('reads maps whose channels come last');
    return value;
  }
}

function paddingOf(reading: Reading, strides: number[]): Padding {
  const automatic = reading.text('auto_pad') || 'NOTSET';
  if (automatic === 'SAME_UPPER') return 'same';
  if (automatic === 'VALID') return 'valid';
  if (automatic !== 'NOTSET') reading.fail(`pads ${automatic}`);
  const pads = reading.ints('pads') ?? [0, 0, 0, 0];
  if (pads.length !== 4) reading.fail(`has ${pads.length} pads`);
  const [top, left, bottom, right] = pads as [number, number, number, number];
  // Rounding up is as if there were more behind.
  const [down, across] = reading.int('ceil_mode', 0) === 0 ? [0, 0] : strides.map((stride) => stride - 1);
  return [top, left, bottom + (down ?? 0), right + (across ?? 0)];
}

function checkDilations(reading: Reading): void {
  if (reading.ints('dilations')?.some((dilation) => dilation !== 1)) reading.fail('is dilated');
}

const nchw = (value: Value): Operand => ({ kind: 'value', value, layout: 'nchw' });

/** The biases that the next node adds, where it does nothing else. */
function biasesOf({ next }: Reading, constants: (name: string) => Tensor | undefined): Tensor | undefined {
  if (next?.op_type !== 'Add') return undefined;
  return next.input.map(constants).find((tensor) => tensor !== undefined);
}

function flatten(reading: Reading): Item {
  const { value, layout } = reading.operand();
  const order = layout === 'nchw' ? 'chw' : 'hwc';
  return { kind: 'value', value: addFlatten(reading.builder, value, order, reading.where), layout };
}

function reshape(reading: Reading): Item {
  const constant = reading.inputs[0]?.kind === 'constant' && reading.constant(0);
  const wanted = reading.inputs[1]?.kind === 'constant' ? Array.from(reading.required(1).values) : undefined;
  if (constant) {
    const shape = wanted ?? reading.fail('has a shape that is no constant');
    const rest = constant.values.length / -sizeOf(shape);
    const whole = shape.map((length) => (length === -1 ? rest : length));
    if (sizeOf(whole) !== constant.values.length) reading.fail(`makes [${constant.shape}] to [${wanted}]`);
    return { kind: 'constant', tensor: { shape: whole, values: constant.values } };
  }
  const { value } = reading.operand();
  const features = wanted?.[1];
  const fits = !wanted || (wanted.length === 2 && (features === -1 || features === sizeOf(value.shape)));
  if (!fits) reading.fail(`makes [${value.shape}] to [${wanted}]; bat-sup flattens only`);
  return flatten(reading);
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

/** What a constant makes of pixels: times a factor, plus an offset. */
interface Arithmetic {
  factor: number;
  offset: number;
}

/** Pixels that are scaled or shifted by a constant: one number, or one for each channel. */
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
  return { ...operand, value: reading.builder.normalise(operand.value, { factors, offsets }, reading.where) };
}

/** A constant's one value, or its values for the channels, along whose axis it has to lie. */
function channelValues(reading: Reading, { shape, values }: Tensor, { value, layout }: Operand): number[] {
  const [first] = values;
  if (first === undefined) return reading.fail('has a constant without values');
  if (values.every((one) => one === first)) return [first];
  const rank = value.shape.length + 1;
  const channelAxis = layout === 'nchw' ? 1 : rank - 1;
  const lengths = [...Array(Math.max(0, rank - shape.length)).fill(1), ...shape];
  const isOfChannels = lengths.every((length, axis) => length === 1 || axis === channelAxis);
  if (lengths.length !== rank || !isOfChannels)
    reading.fail(`has a constant of shape [${shape}]; bat-sup takes one value, or one for each channel`);
  return [...values];
}

const times = (reading: Reading) => withConstant(reading, (factor) => ({ factor, offset: 0 }));
const plus = (reading: Reading) => withConstant(reading, (offset) => ({ factor: 1, offset }));
const minus = (reading: Reading) =>
  withConstant(reading, (constant, isFirst) =>
    isFirst ? { factor: -1, offset: constant } : { factor: 1, offset: -constant },
  );

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

const unchanged = (reading: Reading): Item => reading.inputs[0] ?? reading.fail('reads nothing');
const shape = (): Item => ({ kind: 'shape' });

/** Of shapes and constants a shape; of maps an operator that bat-sup has not. */
function ofShapes(reading: Reading): Item {
  if (reading.inputs.every((item) => item?.kind !== 'value')) return shape();
  return reading.fail('is an operator for which bat-sup has no layer');
}

export interface Operator {
  read(reading: Reading, constants: (name: string) => Tensor | undefined): Item;
  /** Whether it has done the next node's work, which is then left out. */
  takesNext?(reading: Reading, constants: (name: string) => Tensor | undefined): boolean;
}

const plain = (read: (reading: Reading) => Item): Operator => ({ read });

/** ONNX's operators (onnx.ai/onnx/operators) that bat-sup's layers can express. */
export const operators: Record<string, Operator> = {
  Conv: plain((reading) => {
    const strides = reading.ints('strides') ?? [1, 1];
    checkDilations(reading);
    reading.expect({ group: { value: reading.int('group', 1), allowed: 1 } });
    const kernel = reading.required(1);
    if (kernel.shape.length !== 4) reading.fail(`has weights of shape [${kernel.shape}]`);
    const options = { kernel: toHwio(kernel), biases: reading.constant(2), strides };
    const padding = paddingOf(reading, strides);
    return nchw(addConv(reading.builder, reading.channelsFirst(), { ...options, padding }, reading.where));
  }),
  MaxPool: plain((reading) => {
    const kernel = reading.ints('kernel_shape') ?? [];
    const strides = reading.ints('strides') ?? [1, 1];
    checkDilations(reading);
    const window = { kernel, strides, padding: paddingOf(reading, strides) };
    return nchw(addMaxPool(reading.builder, reading.channelsFirst(), window, reading.where));
  }),
  Relu: plain((reading) => {
    const operand = reading.operand();
    return { ...operand, value: addRelu(reading.builder, operand.value, reading.where) };
  }),
  Gemm: plain((reading) => {
    reading.expect({
      alpha: { value: reading.float('alpha', 1), allowed: 1 },
      beta: { value: reading.float('beta', 1), allowed: 1 },
      transA: { value: reading.int('transA', 0), allowed: 0 },
    });
    const matrix = reading.required(1);
    if (matrix.shape.length !== 2) reading.fail(`has weights of shape [${matrix.shape}]`);
    const weights = reading.int('transB', 0) === 1 ? transpose(matrix) : matrix;
    const operand = reading.operand();
    const parts = { weights, biases: reading.constant(2) };
    return { ...operand, value: addFullyConnected(reading.builder, operand.value, parts, reading.where) };
  }),
  MatMul: {
    read(reading, constants) {
      const operand = reading.operand();
      const parts = { weights: reading.required(1), biases: biasesOf(reading, constants) };
      return { ...operand, value: addFullyConnected(reading.builder, operand.value, parts, reading.where) };
    },
    takesNext: (reading, constants) => biasesOf(reading, constants) !== undefined,
  },
  Flatten: plain((reading) => {
    const axis = reading.int('axis', 1);
    const rank = reading.operand().value.shape.length + 1;
    if (axis !== 1 && axis !== 1 - rank) reading.fail(`flattens from axis ${axis}; bat-sup from axis 1`);
    return flatten(reading);
  }),
  Reshape: plain(reshape),
  Squeeze: plain((reading) => (reading.inputs[0]?.kind === 'shape' ? shape() : flatten(reading))),
  Transpose: plain(transposed),
  Mul: plain(times),
  Div: plain((reading) => {
    if (reading.inputs[0]?.kind !== 'value') reading.fail('divides a constant');
    return withConstant(reading, (divisor) => ({ factor: 1 / divisor, offset: 0 }));
  }),
  Sub: plain(minus),
  Constant: plain((reading) => ({
    kind: 'constant',
    tensor: reading.tensor('value') ?? constantAttribute(reading),
  })),
  DequantizeLinear: plain(dequantised),
  Softmax: plain((reading) => {
    const operand = reading.operand();
    return { ...operand, value: reading.builder.softmax(operand.value) };
  }),
  // Its softmax is the logits' softmax.
  LogSoftmax: plain((reading) => {
    const operand = reading.operand();
    return { ...operand, value: reading.builder.softmax(operand.value) };
  }),
  BatchNormalization: plain((reading) => {
    const value = reading.channelsFirst();
    reading.expect({ training_mode: { value: reading.int('training_mode', 0), allowed: 0 } });
    const parts = {
      epsilon: shortest(reading.float('epsilon', 1e-5)),
      scale: reading.required(1),
      offset: reading.required(2),
      mean: reading.required(3),
      variance: reading.required(4),
    };
    return nchw(addBatchNorm(reading.builder, value, parts, reading.where));
  }),
  Add: plain((reading) => {
    if (reading.inputs.some((item) => item?.kind === 'constant')) return plus(reading);
    const [one, other] = [reading.operand(0), reading.operand(1)];
    if (one.layout !== other.layout) reading.fail('adds maps in two orders');
    return { ...one, value: addAddition(reading.builder, one.value, other.value, reading.where) };
  }),
  GlobalAveragePool: plain((reading) =>
    nchw(addGlobalAveragePool(reading.builder, reading.channelsFirst(), reading.where)),
  ),
  ReduceMean: plain((reading) => {
    const { value, layout } = reading.operand();
    const axes = reading.ints('axes') ?? Array.from(reading.constant(1)?.values ?? []);
    const places = axes.map((axis) => (axis < 0 ? axis + 4 : axis)).sort();
    if (places.join() !== (layout === 'nchw' ? '2,3' : '1,2'))
      reading.fail(`takes the mean of the axes ${axes}`);
    return { kind: 'value', value: addGlobalAveragePool(reading.builder, value, reading.where), layout };
  }),
  Dropout: plain((reading) => {
    const operand = reading.operand();
    const rate = reading.constant(1)?.values[0] ?? reading.float('ratio', 0.5);
    return { ...operand, value: addDropout(reading.builder, operand.value, shortest(rate), reading.where) };
  }),
  Pad: plain((reading) => {
    const { value, layout } = reading.operand();
    const pads = reading.ints('pads') ?? Array.from(reading.required(1).values);
    const isPlain = ['', 'constant'].includes(reading.text('mode') ?? '') && !reading.inputs[3];
    if (!isPlain || pads.length !== 8) reading.fail('pads otherwise than by zeros around its maps');
    if ((reading.constant(2)?.values[0] ?? reading.float('value', 0)) !== 0) reading.fail('pads by no zeros');
    // The first axis of the maps, of [batch, channels, height, width] or [batch, height, width, channels].
    const first = layout === 'nchw' ? 2 : 1;
    const sides = [first, first + 1, first + 4, first + 5];
    if (pads.some((pad, place) => pad !== 0 && !sides.includes(place))) reading.fail(`pads by [${pads}]`);
    const around = sides.map((place) => pads[place] as number);
    return { kind: 'value', value: addZeroPadding(reading.builder, value, around, reading.where), layout };
  }),
  Identity: plain(unchanged),
  Cast: plain(unchanged),
  Shape: plain(shape),
  Gather: plain(ofShapes),
  Unsqueeze: plain(ofShapes),
  Concat: plain(ofShapes),
  Slice: plain(ofShapes),
};

/** The shortest decimal that is this float32: 0.001, where the file can only say 0.0010000000474974513. */
function shortest(float: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(float.toPrecision(digits));
    if (Math.fround(decimal) === Math.fround(float)) return decimal;
  }
  return float;
}

function constantAttribute(reading: Reading): Tensor {
  const ints = reading.ints('value_ints');
  if (ints) return { shape: [ints.length], values: Float32Array.from(ints) };
  const value = reading.node.attribute[0];
  if (value?.name === 'value_int') return { shape: [], values: Float32Array.of(value.i ?? 0) };
  if (value?.name === 'value_float') return { shape: [], values: Float32Array.of(value.f ?? 0) };
  return reading.fail('is a constant of a kind that is not expected here');
}
