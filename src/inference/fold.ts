import type { ActivationAttributes } from '../engine/kernels/activation/operation.ts';
import { UserError } from '../errors.ts';
import { type Attributes, type LayerSummary, variablesOf } from '../layers/index.ts';
import { sizeOf } from '../tensors/shape.ts';

/** A variable's values and shape. */
export interface Constant {
  shape: number[];
  values: Float32Array;
}

/** One step of a folded network: a layer, and what follows it where both can be computed in one pass. Plain data. */
export interface Step {
  /** The layer whose output the step computes: the last of those that it stands for. */
  name: string;
  /** The kind of the first of them, one of those in layers/index.ts. */
  kind: string;
  /** Of that layer. A convolution always has biases. */
  attributes: Attributes;
  /** By their names within the layer, e.g. 'weights', with batch normalisation folded in. */
  variables: Record<string, Constant>;
  /** Names of the steps that it reads; empty: it reads the pictures. */
  inputs: string[];
  /** Without the batch, of the first input. */
  inputShape: number[];
  /** Without the batch. */
  outputShape: number[];
  /** The step whose output is added, before the activation. */
  residual?: string;
  activation?: ActivationAttributes;
}

/** The kinds that what follows them may be folded into: each output channel is a sum of products, plus a bias. */
const linearKinds = ['conv', 'depthwiseConv', 'fullyConnected'];

/** The kinds that an activation may become part of. */
const activatedKinds = [...linearKinds, 'pool', 'batchNorm', 'add'];

/** A step while it is made: what is folded into it is float64 until the end, so that weights and biases are rounded once. */
interface Draft extends Omit<Step, 'variables'> {
  variables: Map<string, { shape: number[]; values: Float32Array | Float64Array }>;
  /** By output channel, what the weights are yet to be multiplied by. */
  slope?: Float64Array;
}

/**
 * Folds a network for inference. Batch normalisation becomes part of the weights and bias of the convolution or fully
 * connected layer before it; after it, adding another layer and an activation become part of its step, in this order. An
 * activation also becomes part of pooling, of batch normalisation that is not folded, and of adding.
 * Only what nothing else reads is folded, so that each step's output is that of one layer. Other layers stay as they are.
 * @param layers in an order in which each comes after those that it reads.
 * @param weights values by variable name, e.g. 'conv1/weights'; they are not changed.
 * @throws {UserError} naming the variable whose values are missing or of another size.
 * @returns the steps, in an order in which they can be computed. The output of the last is the network's.
 */
export function fold(layers: LayerSummary[], weights: ReadonlyMap<string, Float32Array>): Step[] {
  const reads = countReads(layers);
  const drafts: Draft[] = [];
  for (const layer of layers) {
    const step = stepToExtend(layer, drafts, reads);
    if (step && extend(step, layer, { weights, drafts })) step.name = layer.name;
    else drafts.push(draftOf(layer, weights));
  }
  return drafts.map(finished);
}

/** How many layers read each layer; a layer that reads another twice counts twice. */
function countReads(layers: LayerSummary[]): Map<string, number> {
  const reads = new Map<string, number>();
  for (const name of layers.flatMap(({ inputs }) => inputs)) reads.set(name, (reads.get(name) ?? 0) + 1);
  return reads;
}

function constant(name: string, shape: number[], weights: ReadonlyMap<string, Float32Array>) {
  const values = weights.get(name);
  if (!values) throw new UserError(`The stored weights lack ${name}, which the network needs.`);
  if (values.length !== sizeOf(shape))
    throw new UserError(
      `The stored ${name} has ${values.length} values, but the network needs the shape [${shape}].`,
    );
  return { shape, values };
}

function draftOf(layer: LayerSummary, weights: ReadonlyMap<string, Float32Array>): Draft {
  const { name, kind, attributes, inputs, inputShape, outputShape } = layer;
  const variables: Draft['variables'] = new Map();
  for (const { name: full, shape } of variablesOf(layer))
    variables.set(full.slice(name.length + 1), constant(full, shape, weights));
  const draft = { name, kind, attributes, inputs, inputShape, outputShape, variables };
  if (!linearKinds.includes(kind) || variables.has('biases')) return draft;
  const channels = outputShape.at(-1) as number;
  variables.set('biases', { shape: [channels], values: new Float32Array(channels) });
  return { ...draft, attributes: { ...attributes, biases: true } };
}

/** The last of a layer's inputs, if what the layer does may become part of it. */
function stepToExtend({ kind, inputs }: LayerSummary, drafts: Draft[], reads: Map<string, number>) {
  const step = drafts.findLast(({ name }) => inputs.includes(name));
  const kinds = kind === 'activation' ? activatedKinds : linearKinds;
  const isOpen = step && kinds.includes(step.kind) && reads.get(step.name) === 1 && !step.activation;
  return isOpen ? step : undefined;
}

interface Network {
  weights: ReadonlyMap<string, Float32Array>;
  drafts: Draft[];
}

/** Makes a layer part of a step. @returns false where that cannot be. */
function extend(step: Draft, layer: LayerSummary, network: Network): boolean {
  switch (layer.kind) {
    case 'batchNorm':
      if (step.residual !== undefined) return false;
      foldBatchNorm(step, layer, network.weights);
      return true;
    case 'add':
      return addResidual(step, layer, network.drafts);
    case 'activation':
      step.activation = layer.attributes as unknown as ActivationAttributes;
      return true;
    default:
      return false;
  }
}

/** (w x + b - mean) / sqrt(variance + epsilon) * scale + offset = (w slope) x + (b - mean) slope + offset */
function foldBatchNorm(step: Draft, layer: LayerSummary, weights: Network['weights']): void {
  const part = (name: string) => weights.get(`${layer.name}/${name}`) as Float32Array;
  const [scale, offset, mean, variance] = ['scale', 'offset', 'mean', 'variance'].map(part) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const epsilon = layer.attributes.epsilon as number;
  const slope = Float64Array.from(scale, (value, c) => value / Math.sqrt((variance[c] as number) + epsilon));
  step.slope = step.slope?.map((earlier, c) => earlier * (slope[c] as number)) ?? slope;
  const biases = step.variables.get('biases') as Constant;
  const values = Float64Array.from(
    biases.values,
    (bias, c) => (bias - (mean[c] as number)) * (slope[c] as number) + (offset[c] as number),
  );
  step.variables.set('biases', { ...biases, values });
}

/** Adds the layer's other input, if it is computed before the step. */
function addResidual(step: Draft, { inputs }: LayerSummary, drafts: Draft[]): boolean {
  const other = inputs.find((name) => name !== step.name);
  if (step.residual !== undefined || other === undefined) return false;
  const before = drafts.slice(0, drafts.indexOf(step));
  if (!before.some(({ name }) => name === other)) return false;
  step.residual = other;
  return true;
}

function finished({ variables, slope, ...step }: Draft): Step {
  const rounded = [...variables].map(([name, { shape, values }]): [string, Constant] => [
    name,
    { shape, values: slope && name === 'weights' ? scaled(values, slope) : asFloat32(values) },
  ]);
  return { ...step, variables: Object.fromEntries(rounded) };
}

const asFloat32 = (values: Float32Array | Float64Array) =>
  values instanceof Float32Array ? values : new Float32Array(values);

/**
 * Weights times the slope of their output channel, which is the last axis; a depthwise convolution has one output per
 * channel, so that there it holds as well.
 */
function scaled(weights: Float32Array | Float64Array, slope: Float64Array): Float32Array {
  const products = new Float32Array(weights.length);
  for (let row = 0; row < weights.length; row += slope.length)
    for (let c = 0; c < slope.length; c++)
      products[row + c] = (weights[row + c] as number) * (slope[c] as number);
  return products;
}
