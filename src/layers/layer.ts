import type { tf } from '../tensors/tf.ts';

/** A layer's settings as a manifest holds them, e.g. { kernel: 5, stride: 1, padding: 'same', ... }. */
export type Attributes = Record<string, number | string | boolean>;

/** A variable's name within its layer, e.g. 'weights', and its shape. */
export interface VariablePlan {
  name: string;
  shape: number[];
  /** Every element's first value, or 'random': a truncated normal with the standard deviation 0.05. */
  initial: number | 'random';
}

/** What a layer makes of inputs of certain shapes. */
export interface Plan {
  /** Without the batch: [height, width, channels] or [features]. */
  outputShape: number[];
  /** Trained by their gradients. */
  variables?: VariablePlan[];
  /** Kept besides, e.g. moving averages; no gradient changes them. */
  state?: VariablePlan[];
}

/** Stops with the reason, which the caller puts behind the layer's name: 'takes feature maps, ...'. */
export type Fail = (reason: string) => never;

/** A forward pass in training mode. */
export interface TrainingPass {
  /** 1 for the first; what is random in the pass depends on it, the scope's seed and the row alone. */
  step: number;
  /** The index of this pass's first row within the whole batch, where other ranks compute other rows of it. */
  firstRow?: number;
  /** Is shown each variable, and returns the tensor that layers use in its place. */
  variable?(name: string, variable: tf.Variable): tf.Tensor;
}

/** What a layer may know of the forward pass. */
export interface Pass {
  /** The layer's name, e.g. 'dropout1'. */
  name: string;
  /** The seed of everything random. */
  seed: number;
  /** undefined in inference. */
  training: TrainingPass | undefined;
}

/**
 * A kind of layer: its shapes, checks, variables and arithmetic. How formats spell it is in its formats.ts.
 * Gradients belong to the operations that `forward` uses.
 */
// biome-ignore lint/suspicious/noExplicitAny: a table of layers holds all kinds of attributes.
export interface Layer<A extends object = any> {
  /** As manifests name it, e.g. 'conv'. */
  kind: string;
  /** What its layers are named by: 'conv' -> conv1, conv2 ...; a network has at most one of a kind without numbers. */
  prefix: string | ((attributes: A) => string);
  isNumbered?: false;
  /**
   * The shape of its output and its variables; computes nothing.
   * @param inputs their shapes without the batch.
   * @throws what `fail` throws, where the shapes or attributes do not fit.
   */
  plan(inputs: number[][], attributes: A, fail: Fail): Plan;
  /**
   * @param inputs [batch, ...shape]
   * @param variables by their names within the layer, state included.
   */
  forward(inputs: tf.Tensor[], variables: Record<string, tf.Tensor>, attributes: A, pass: Pass): tf.Tensor;
  /** Whether each element of the output depends on the same element of its inputs alone, whatever their shape. */
  isElementwise?: true;
  /** Whether each channel of the output depends on the same channel of its input alone, and all channels are alike. */
  isPerChannel?: true;
  /** Whether the output is linear in the inputs, apart from a constant: what stands between a convolution and its activation. */
  isLinear?: true;
  /** Whether no element of the output is below 0. */
  isNonNegative?(attributes: A): boolean;
}

/** One layer of a network: plain data, as manifests hold it. */
export interface LayerSummary<A extends object = Attributes> {
  /** 'conv1', 'pool1', 'relu1', 'flatten', 'fc1', 'logits', 'norm1', 'add1' ... */
  name: string;
  /** One of the kinds in layers/index.ts. */
  kind: string;
  /** Names of the layers that it reads; none: it reads the pictures. */
  inputs: string[];
  /** Without the batch: [height, width, channels] or [features]. */
  inputShape: number[];
  outputShape: number[];
  /** Trainable variables, e.g. { name: 'conv1/weights', shape: [5, 5, 3, 16] }. */
  variables: { name: string; shape: number[] }[];
  /** What the layer keeps besides and no gradient changes, e.g. { name: 'norm1/mean', shape: [32] }. */
  state?: { name: string; shape: number[] }[];
  /** e.g. { kernel: 5, stride: 1, padding: 'same', outputChannels: 16, biases: true }. */
  attributes: A;
}

/**
 * Everything that a layer holds: what is trained and what it keeps besides.
 * @example
 * ```ts
 * import { convLayer, NetworkPlan, variablesOf } from 'bat-sup';
 *
 * const plan = new NetworkPlan();
 * convLayer({ shape: [-1, 28, 28, 3] }, { kernel: 5, inputChannels: 3, outputChannels: 16, stride: 1 }, plan);
 * for (const layer of plan.layers) console.log(variablesOf(layer)); // conv1/weights and conv1/biases, with their shapes
 * ```
 */
export function variablesOf({ variables, state = [] }: LayerSummary): LayerSummary['variables'] {
  return [...variables, ...state];
}

/** The next name of a layer: 'conv' -> 'conv1', 'conv2' ... */
export function nextName<A extends object>(
  { prefix, isNumbered }: Layer<A>,
  attributes: A,
  layers: { name: string }[],
): string {
  const wanted = typeof prefix === 'string' ? prefix : prefix(attributes);
  if (isNumbered === false) return wanted;
  const before = layers.filter(({ name }) => name.replace(/\d+$/, '') === wanted).length;
  return `${wanted}${before + 1}`;
}

/** A layer with what it is given, before its plan. */
export interface Placed<A extends object = Attributes> {
  name: string;
  /** Names of the layers that it reads. */
  inputs: string[];
  /** Shapes of what it reads, without the batch. */
  inputShapes: number[][];
  attributes: A;
}

/** A layer of a network with all that computing it takes. */
export interface PlannedLayer {
  layer: Layer;
  summary: LayerSummary;
  plan: Plan;
}

/** Checks a layer's inputs, and plans its output and its variables. */
export function planLayer<A extends object>(
  layer: Layer<A>,
  { name, inputs, inputShapes, attributes }: Placed<A>,
  fail: Fail,
): PlannedLayer {
  const plan = layer.plan(inputShapes, attributes, fail);
  const named = (variables: VariablePlan[]) =>
    variables.map((variable) => ({ name: `${name}/${variable.name}`, shape: variable.shape }));
  const summary: LayerSummary = {
    name,
    kind: layer.kind,
    inputs,
    inputShape: inputShapes[0] ?? [],
    outputShape: plan.outputShape,
    variables: named(plan.variables ?? []),
    ...(plan.state && { state: named(plan.state) }),
    attributes: { ...attributes } as Attributes,
  };
  return { layer, summary, plan };
}
