import type { Value } from '../network_builder.ts';
import { isObject } from './calls.ts';
import type { KerasClass, KerasLayer, Reading } from './layer_format.ts';
import { listOf } from './reading.ts';

/** Operations that people apply to the tensors of a functional model without a layer, e.g. x / 127.5 - 1. */

type Arithmetic = 'add' | 'subtract' | 'multiply' | 'divide';

/** What Keras 3 names the class, and what Keras 2 names the function of a TFOpLambda. */
const arithmetics: Record<string, Arithmetic> = {
  Add: 'add',
  Subtract: 'subtract',
  Multiply: 'multiply',
  Divide: 'divide',
  TrueDivide: 'divide',
  'math.add': 'add',
  '__operators__.add': 'add',
  'nn.bias_add': 'add',
  'math.subtract': 'subtract',
  'math.multiply': 'multiply',
  'math.divide': 'divide',
  'math.truediv': 'divide',
};

/** Layers that do the same as an operation on the outputs of layers. */
const equivalents: Record<string, Pick<KerasLayer, 'className' | 'config'>> = {
  add: { className: 'Add', config: {} },
  multiply: { className: 'Multiply', config: {} },
  'nn.relu': { className: 'Activation', config: { activation: 'relu' } },
  'nn.relu6': { className: 'Activation', config: { activation: 'relu6' } },
  'nn.silu': { className: 'Activation', config: { activation: 'swish' } },
  'math.sigmoid': { className: 'Activation', config: { activation: 'sigmoid' } },
  'nn.sigmoid': { className: 'Activation', config: { activation: 'sigmoid' } },
  'nn.softmax': { className: 'Softmax', config: {} },
};

const functionOf = ({ className, config }: KerasLayer): string =>
  className === 'TFOpLambda' ? String(config.function) : className;

/** The layer that an operation is; a layer itself stays as it is. */
export function asLayer<L extends KerasLayer>(layer: L): L {
  const name = functionOf(layer);
  const isOfLayers = layer.operands?.every((one) => 'layer' in one);
  const arithmetic = Object.hasOwn(arithmetics, name) ? arithmetics[name] : undefined;
  if (arithmetic && !isOfLayers) return { ...layer, className: 'Arithmetic', config: { arithmetic } };
  const equivalent = name === layer.className ? undefined : equivalents[arithmetic ?? name];
  return { ...layer, ...equivalent };
}

/** The numbers of a constant: a number, nested lists, or an array that Keras 3 writes with its type. */
function numbersOf(value: unknown): number[] {
  const inner = isObject(value) && isObject(value.config) ? value.config.value : value;
  return listOf(inner);
}

/** input * factor + offset for each number of the constant. @param isFirst whether the constant is the first operand. */
const affines: Record<Arithmetic, (number: number, isFirst: boolean) => [factor: number, offset: number]> = {
  add: (number) => [1, number],
  subtract: (number, isFirst) => (isFirst ? [-1, number] : [1, -number]),
  multiply: (number) => [number, 0],
  divide: (number, isFirst) => [isFirst ? Number.NaN : 1 / number, 0],
};

/** The numbers that arithmetic takes besides a layer; undefined where it is not of one layer and numbers. */
export function constantOf({
  operands = [],
}: KerasLayer): { numbers: number[]; isFirst: boolean } | undefined {
  const values = operands.map((one) => ('value' in one ? numbersOf(one.value) : undefined));
  const [first, second] = values;
  const numbers = first ?? second;
  if (values.length !== 2 || !numbers || (first && second)) return undefined;
  return { numbers, isFirst: first !== undefined };
}

function readArithmetic({ builder, layer }: Reading, [input]: [Value, ...Value[]]): Value {
  const { numbers, isFirst } =
    constantOf(layer) ?? builder.fail(layer.name, 'is not arithmetic of a layer and numbers');
  const affine = affines[layer.config.arithmetic as Arithmetic];
  const pairs = numbers.map((one) => affine(one, isFirst));
  const [factors, offsets] = [pairs.map(([factor]) => factor), pairs.map(([, offset]) => offset)];
  return builder.scaling.normalise(input, { factors, offsets }, layer.name);
}

/** Whether an index is [..., ::-1], which reverses the channels. */
function isReversal(index: unknown): boolean {
  if (!Array.isArray(index) || index.length !== 2 || !index.every(isObject)) return false;
  const [ellipsis, slice] = index as [Record<string, unknown>, Record<string, unknown>];
  const { start, stop, step } = (isObject(slice.config) ? slice.config : slice) as Record<string, unknown>;
  return ellipsis.class_name === '__ellipsis__' && start === null && stop === null && step === -1;
}

function readIndexing({ builder, layer }: Reading, [input]: [Value, ...Value[]]): Value {
  const [, index] = layer.operands ?? [];
  if (index && 'value' in index && isReversal(index.value)) return builder.reverseChannels(input, layer.name);
  return builder.fail(
    layer.name,
    'takes a part of its input; bat-sup can only reverse the channels of pictures',
  );
}

/** Operations that become part of the preprocessing. */
export const operations: Record<string, KerasClass> = {
  Arithmetic: { read: readArithmetic },
  GetItem: { read: readIndexing },
  SlicingOpLambda: { read: readIndexing },
};
