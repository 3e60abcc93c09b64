import { sizeOf } from '../../tensors/shape.ts';
import { fromFloat16, permute, strided, type Tensor, toFloat16 } from '../../tensors/tensors.ts';
import { dataTypes } from './protos.ts';
import { type Item, type Known, type Reading, shapeText } from './reading.ts';
import { readTensor } from './tensor.ts';

/**
 * Computes what depends on constants and on the shapes of maps alone: the arithmetic of shapes that PyTorch writes where the
 * number of pictures is open, and weights that an exporter left unfolded. The number of pictures is NaN in shapes, so that
 * whatever depends on it is NaN too. Semantics: onnx.ai/onnx/operators.
 */

type Folding = (reading: Reading, inputs: Known[]) => Tensor;

/** Floats where not stated otherwise. */
const typeOf = (item: Known | undefined): number => item?.type ?? float32;
const { boolean, float16, float32, float64, int8, uint8, int32, int64 } = dataTypes;
const integerTypes: number[] = [boolean, int8, uint8, int32, int64];
const isInteger = (item: Known | undefined) => integerTypes.includes(typeOf(item));

const vector = (values: number[]): Tensor => ({
  shape: [values.length],
  values: Float32Array.from(values),
});

/** An axis counted from the front. */
function axisOf(reading: Reading, axis: number, rank: number): number {
  const counted = axis < 0 ? axis + rank : axis;
  return counted >= 0 && counted < rank ? counted : reading.fail(`has the axis ${axis} of ${rank}`);
}

/** The axes of an attribute, as older operator sets have it, or of an input; undefined: all that apply. */
function axesOf(reading: Reading, index: number, rank: number): number[] | undefined {
  const axes = reading.ints('axes') ?? reading.known(index)?.tensor.values;
  return axes && [...axes].map((axis) => axisOf(reading, axis, rank));
}

/** Elements of an axis by their indices. */
function take(reading: Reading, { shape, values }: Tensor, axis: number, indices: number[]): Tensor {
  const length = shape[axis] as number;
  if (indices.some((index) => !Number.isInteger(index) || index < 0 || index >= length))
    reading.fail(`takes the elements [${indices.slice(0, 8)}] of ${length}`);
  const taken = shape.with(axis, indices.length);
  reading.spend(sizeOf(taken));
  const inner = sizeOf(shape.slice(axis + 1));
  const result = new Float32Array(sizeOf(taken));
  let to = 0;
  for (let from = 0; from < values.length; from += length * inner)
    for (const index of indices) {
      const start = from + index * inner;
      result.set(values.subarray(start, start + inner), to);
      to += inner;
    }
  return { shape: taken, values: result };
}

/** The elements that a slice with Python's rules takes of an axis. */
export function sliced(
  reading: Reading,
  length: number,
  [start, end, step]: [number, number, number],
): number[] {
  if (!Number.isInteger(step) || step === 0 || Number.isNaN(start + end))
    reading.fail('slices at places that are not known');
  const counted = (index: number) => (index < 0 ? index + length : index);
  const [least, most] = step > 0 ? [0, length] : [-1, length - 1];
  const [from, to] = [start, end].map((index) => Math.min(Math.max(counted(index), least), most));
  const indices: number[] = [];
  reading.spend(length);
  for (let index = from as number; step > 0 ? index < (to as number) : index > (to as number); index += step)
    indices.push(index);
  return indices;
}

function slice(reading: Reading, [data]: Known[]): Tensor {
  let result = (data as Known).tensor;
  const numbers = (name: string, index: number) =>
    reading.ints(name) ?? [...(reading.known(index)?.tensor.values ?? [])];
  const [starts, ends, steps] = [numbers('starts', 1), numbers('ends', 2), numbers('steps', 4)];
  const axes = axesOf(reading, 3, result.shape.length) ?? [...starts.keys()];
  if (starts.length !== ends.length || axes.length !== starts.length)
    reading.fail('has starts, ends and axes of different lengths');
  for (const [index, axis] of axes.entries()) {
    const length = result.shape[axis] ?? reading.fail(`has ${axes.length} axes of ${result.shape.length}`);
    const range: [number, number, number] = [
      starts[index] as number,
      ends[index] as number,
      steps[index] ?? 1,
    ];
    result = take(reading, result, axis, sliced(reading, length, range));
  }
  return result;
}

function gather(reading: Reading, [data, indices]: Known[]): Tensor {
  const { tensor } = data as Known;
  const axis = axisOf(reading, reading.int('axis', 0), tensor.shape.length);
  const length = tensor.shape[axis] as number;
  const wanted = (indices as Known).tensor;
  const counted = Array.from(wanted.values, (index) => (index < 0 ? index + length : index));
  const { shape, values } = take(reading, tensor, axis, counted);
  return { shape: [...shape.slice(0, axis), ...wanted.shape, ...shape.slice(axis + 1)], values };
}

function concat(reading: Reading, inputs: Known[]): Tensor {
  const tensors = inputs.map(({ tensor }) => tensor);
  const [{ shape }] = tensors as [Tensor];
  const axis = axisOf(reading, reading.int('axis', 0), shape.length);
  const rest = (of: number[]) => String(of.toSpliced(axis, 1));
  if (tensors.some((one) => one.shape.length !== shape.length || rest(one.shape) !== rest(shape)))
    reading.fail(`puts [${tensors.map((one) => `[${one.shape}]`)}] together`);
  const together = tensors.reduce((sum, one) => sum + (one.shape[axis] as number), 0);
  const whole = shape.with(axis, together);
  reading.spend(sizeOf(whole));
  const result = new Float32Array(sizeOf(whole));
  let to = 0;
  for (let outer = 0; outer < sizeOf(shape.slice(0, axis)); outer++)
    for (const one of tensors) {
      const each = sizeOf(one.shape.slice(axis));
      result.set(one.values.subarray(outer * each, (outer + 1) * each), to);
      to += each;
    }
  return { shape: whole, values: result };
}

function unsqueeze(reading: Reading, [data]: Known[]): Tensor {
  const { shape, values } = (data as Known).tensor;
  const axes = reading.ints('axes') ?? [...(reading.known(1)?.tensor.values ?? [])];
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => axisOf(reading, axis, rank)));
  if (added.size !== axes.length) reading.fail(`has the axes ${axes}`);
  const kept = shape.values();
  return {
    shape: Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (kept.next().value as number))),
    values,
  };
}

function squeeze(reading: Reading, [data]: Known[]): Tensor {
  const { shape, values } = (data as Known).tensor;
  const axes = axesOf(reading, 1, shape.length);
  const isLeftOut = (length: number, axis: number) => (axes ? axes.includes(axis) : length === 1);
  if (axes?.some((axis) => shape[axis] !== 1)) reading.fail(`squeezes the axes ${axes} of [${shape}]`);
  return { shape: shape.filter((length, axis) => !isLeftOut(length, axis)), values };
}

function reshape(reading: Reading, [data, wanted]: Known[]): Tensor {
  const { shape: before, values } = (data as Known).tensor;
  const allowsZero = reading.int('allowzero', 0) === 1;
  const copied = Array.from((wanted as Known).tensor.values, (length, axis) =>
    length === 0 && !allowsZero ? (before[axis] ?? 0) : length,
  );
  const open = values.length / -sizeOf(copied);
  const shape = copied.map((length) => (length === -1 ? open : length));
  if (sizeOf(shape) !== values.length || shape.some((length) => length < 0))
    reading.fail(`reshapes [${before}] to [${copied}]`);
  return { shape, values };
}

function transpose(reading: Reading, [data]: Known[]): Tensor {
  const { tensor } = data as Known;
  const { shape } = tensor;
  const axes = reading.ints('perm') ?? shape.map((_, axis) => shape.length - 1 - axis);
  if ([...axes].sort((a, b) => a - b).join() !== [...shape.keys()].join()) reading.fail(`has perm [${axes}]`);
  reading.spend(tensor.values.length);
  return permute(tensor, axes);
}

function flatten(reading: Reading, [data]: Known[]): Tensor {
  const { shape, values } = (data as Known).tensor;
  const axis = reading.int('axis', 1);
  const split = axis === shape.length ? axis : axisOf(reading, axis, shape.length);
  return { shape: [sizeOf(shape.slice(0, split)), sizeOf(shape.slice(split))], values };
}

/** The shape that two broadcast to. */
function broadcastShape(reading: Reading, one: number[], other: number[]): number[] {
  const rank = Math.max(one.length, other.length);
  const padded = [one, other].map((shape) => [...Array<number>(rank - shape.length).fill(1), ...shape]);
  return Array.from({ length: rank }, (_, axis) => {
    const [a, b] = padded.map((shape) => shape[axis] as number) as [number, number];
    if (a !== b && a !== 1 && b !== 1) reading.fail(`has constants of the shapes [${one}] and [${other}]`);
    return a === 1 ? b : a;
  });
}

/** Repeats the axes of length 1, as far as the shape is longer there. */
function broadcast(reading: Reading, { shape: own, values }: Tensor, shape: number[]): Float32Array {
  if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0))
    reading.fail(`expands a constant to ${shapeText(shape)}`);
  if (String(own) === String(shape)) return values;
  reading.spend(sizeOf(shape));
  const missing = shape.length - own.length;
  const strides = shape.map((_, axis) =>
    (own[axis - missing] ?? 1) === 1 ? 0 : sizeOf(own.slice(axis - missing + 1)),
  );
  return strided(values, { shape, strides });
}

function expand(reading: Reading, [data, wanted]: Known[]): Tensor {
  const { tensor } = data as Known;
  const shape = broadcastShape(reading, tensor.shape, [...(wanted as Known).tensor.values]);
  return { shape, values: broadcast(reading, tensor, shape) };
}

/** One number of each input makes one of the output. */
function elementwise(compute: (...numbers: number[]) => number): Folding {
  return (reading, inputs) => {
    const tensors = inputs.map(({ tensor }) => tensor);
    const shape = tensors.reduce<number[]>((sum, one) => broadcastShape(reading, sum, one.shape), []);
    const all = tensors.map((tensor) => broadcast(reading, tensor, shape));
    reading.spend(sizeOf(shape));
    const [one = new Float32Array(), ...others] = all;
    const values = one.map((value, index) =>
      compute(value, ...others.map((other) => other[index] as number)),
    );
    return { shape, values };
  };
}

function divide(reading: Reading, inputs: Known[]): Tensor {
  const isWhole = inputs.every(isInteger);
  if (isWhole && inputs[1]?.tensor.values.includes(0)) reading.fail('divides by 0');
  return elementwise((a, b) => (isWhole ? Math.trunc(a / b) : a / b))(reading, inputs);
}

/** Of all elements, or of a vector's. */
function reduce(start: number, join: (sum: number, value: number) => number): Folding {
  return (reading, [data]) => {
    const { shape, values } = (data as Known).tensor;
    const axes = axesOf(reading, 1, shape.length) ?? [...shape.keys()];
    if (new Set(axes).size < shape.length) reading.fail(`reduces the axes ${axes} of [${shape}]`);
    const kept = reading.int('keepdims', 1) === 1 ? shape.map(() => 1) : [];
    reading.spend(values.length);
    return { shape: kept, values: Float32Array.of(values.reduce((sum, value) => join(sum, value), start)) };
  };
}

function constantOfShape(reading: Reading, [wanted]: Known[]): Tensor {
  const shape = [...(wanted as Known).tensor.values];
  const [value = 0] = reading.tensor('value')?.values ?? [];
  const values = broadcast(reading, { shape: [], values: Float32Array.of(value) }, shape);
  return { shape, values };
}

function range(reading: Reading, inputs: Known[]): Tensor {
  const [start, limit, step] = inputs.map(({ tensor }) => tensor.values[0] ?? Number.NaN);
  const length = Math.max(0, Math.ceil(((limit as number) - (start as number)) / (step as number)));
  if (!Number.isSafeInteger(length)) reading.fail('counts to numbers that are not known');
  reading.spend(length);
  return vector(Array.from({ length }, (_, index) => (start as number) + index * (step as number)));
}

/** Numbers as a type holds them. */
function cast(reading: Reading, { tensor, type }: Known, to: number): Tensor {
  const { shape, values } = tensor;
  const rounded = (values: Float32Array) => {
    reading.spend(values.length);
    if (to === boolean) return values.map((value) => (Number.isNaN(value) ? value : Number(value !== 0)));
    return to === float16 ? fromFloat16(toFloat16(values)) : values.map(Math.trunc);
  };
  const isKept = [float32, float64, type].includes(to);
  return isKept ? tensor : { shape, values: rounded(values) };
}

const castTypes: number[] = [...integerTypes, float32, float64, float16];

function castTo(reading: Reading, item: Known, to: number): Item {
  if (!castTypes.includes(to)) reading.fail(`converts to the data type ${to}, which bat-sup does not read`);
  return { ...item, tensor: cast(reading, item, to), type: to };
}

const comparison = (compare: (a: number, b: number) => boolean) =>
  elementwise((a, b) => (Number.isNaN(a + b) ? Number.NaN : Number(compare(a, b))));

const foldings: Record<string, Folding> = {
  Abs: elementwise(Math.abs),
  Add: elementwise((a, b) => a + b),
  Ceil: elementwise(Math.ceil),
  Concat: concat,
  ConstantOfShape: constantOfShape,
  Div: divide,
  Equal: comparison((a, b) => a === b),
  Exp: elementwise(Math.exp),
  Expand: expand,
  Flatten: flatten,
  Floor: elementwise(Math.floor),
  Gather: gather,
  Greater: comparison((a, b) => a > b),
  Less: comparison((a, b) => a < b),
  Max: elementwise(Math.max),
  Min: elementwise(Math.min),
  Mul: elementwise((a, b) => a * b),
  Neg: elementwise((a) => -a),
  Not: elementwise((a) => (Number.isNaN(a) ? a : Number(a === 0))),
  Pow: elementwise((a, b) => a ** b),
  Range: range,
  Reciprocal: elementwise((a) => 1 / a),
  ReduceMax: reduce(Number.NEGATIVE_INFINITY, Math.max),
  ReduceMin: reduce(Number.POSITIVE_INFINITY, Math.min),
  ReduceProd: reduce(1, (product, value) => product * value),
  ReduceSum: reduce(0, (sum, value) => sum + value),
  Reshape: reshape,
  Slice: slice,
  Sqrt: elementwise(Math.sqrt),
  Squeeze: squeeze,
  Sub: elementwise((a, b) => a - b),
  Transpose: transpose,
  Unsqueeze: unsqueeze,
  Where: elementwise((condition, a, b) => {
    if (Number.isNaN(condition)) return a === b ? a : Number.NaN;
    return condition === 0 ? b : a;
  }),
};

/** The operators whose output has another type than their first input. */
const outputTypes: Record<string, number> = {
  Equal: boolean,
  Greater: boolean,
  Less: boolean,
  Not: boolean,
};

const isKnown = (item: Item): item is Known => item.kind === 'constant' || item.kind === 'shape';

function typeOfOutput({ node }: Reading, inputs: Known[]): number {
  if (node.op_type === 'ConstantOfShape')
    return node.attribute.find(({ name }) => name === 'value')?.t?.data_type ?? float32;
  return outputTypes[node.op_type] ?? typeOf(inputs[node.op_type === 'Where' ? 1 : 0]);
}

/** The shape of maps or of a constant, or a part of it. */
function shapeOf(reading: Reading): Item {
  const [item] = reading.inputs;
  const whole = item?.kind === 'value' ? reading.dimensions() : [...(reading.known(0)?.tensor.shape ?? [])];
  const shape = whole.slice(reading.int('start', 0), reading.int('end', whole.length));
  return { kind: shape.some(Number.isNaN) ? 'shape' : 'constant', tensor: vector(shape), type: int64 };
}

function constant(reading: Reading): Item {
  const message = reading.node.attribute.find(({ name }) => name === 'value')?.t;
  if (message) {
    const tensor = readTensor(message, (why) => reading.fail(why));
    return { kind: 'constant', tensor, type: message.data_type };
  }
  const [value] = reading.node.attribute;
  const integers = (tensor: Tensor): Item => ({ kind: 'constant', tensor, type: int64 });
  const floats = (tensor: Tensor): Item => ({ kind: 'constant', tensor, type: float32 });
  const scalar = (number: number) => ({ shape: [], values: Float32Array.of(number) });
  switch (value?.name) {
    case 'value_ints':
      return integers(vector(value.ints ?? []));
    case 'value_int':
      return integers(scalar(value.i ?? 0));
    case 'value_floats':
      return floats(vector(value.floats ?? []));
    case 'value_float':
      return floats(scalar(value.f ?? 0));
    default:
      return reading.fail('is a constant of a kind that bat-sup does not read');
  }
}

/**
 * Computes a node that depends on no pixel.
 * @returns undefined for any other node, and for operators that only layers have.
 * @throws {UserError} where it cannot be computed, or would fill the memory.
 */
export function fold(reading: Reading): Item | undefined {
  const { op_type: operator } = reading.node;
  if (operator === 'Constant') return constant(reading);
  if (operator === 'Shape') return shapeOf(reading);
  const inputs = reading.inputs.filter((item) => item !== undefined);
  if (inputs.length === 0 || !inputs.every(isKnown)) return undefined;
  const [first] = inputs as [Known];
  if (operator === 'Cast') return castTo(reading, first, reading.int('to', float32));
  if (operator === 'CastLike') return castTo(reading, first, typeOf(inputs[1]));
  const folding = Object.hasOwn(foldings, operator) ? foldings[operator] : undefined;
  if (!folding) return undefined;
  const tensor = folding(reading, inputs);
  const isOpen = inputs.some(({ kind }) => kind === 'shape') && tensor.values.some(Number.isNaN);
  return { kind: isOpen ? 'shape' : 'constant', tensor, type: typeOfOutput(reading, inputs) };
}
