import type { tf } from '../tensors/tf.ts';

/** A layer's settings as a manifest holds them, e.g. { kernel: 5, stride: 1, padding: 'same', ... }. */
export type Attributes = Record<string, number | string | boolean | number[]>;

/** A variable's name within its layer, e.g. 'weights', and its shape. */
export interface VariablePlan {
  name: string;
  shape: number[];
  /** Initial value of every element, or 'random': a truncated normal with standard deviation 0.05. */
  initial: number | 'random';
}

/** A layer's output and variables for inputs of given shapes. */
export interface Plan {
  /** Without the batch: [height, width, channels] or [features]. */
  outputShape: number[];
  /** Trained by gradient descent. */
  variables?: VariablePlan[];
  /** Saved with the variables but not trained, e.g. moving averages. */
  state?: VariablePlan[];
}

/** Throws an error whose message is the layer's name followed by the reason: 'needs feature maps, ...'. */
export type Fail = (reason: string) => never;

/** A forward pass in training mode. */
export interface TrainingPass {
  /** 1 for the first. All randomness in the pass depends only on the step, the scope's seed and the row. */
  step: number;
  /** Index of this pass's first row within the whole batch, when several ranks share a batch; default 0. */
  firstRow?: number;
  /** Called for each variable; returns the tensor that layers use instead. */
  variable?(name: string, variable: tf.Variable): tf.Tensor;
  /** Called with the output of each layer, or of the last of those that are computed together; what it returns is read instead. */
  output?(name: string, output: tf.Tensor): tf.Tensor | undefined;
}

/** The forward pass that a layer is part of. */
export interface Pass {
  /** The layer's name, e.g. 'dropout1'. */
  name: string;
  /** The seed of everything random. */
  seed: number;
  /** undefined in inference, and for frozen layers. */
  training: TrainingPass | undefined;
  /** Batch normalisation uses its moving statistics in training mode too, and does not update them; default false. */
  frozenStatistics?: boolean;
}

/**
 * A kind of layer: its shapes, checks, variables and arithmetic. Its formats.ts holds how other formats read and write it.
 * Gradients belong to the operations that `forward` uses.
 */
// biome-ignore lint/suspicious/noExplicitAny: a table of layers holds all kinds of attributes.
export interface Layer<A extends object = any> {
  /** As manifests name it, e.g. 'conv'. */
  kind: string;
  /** The prefix of its layers' names: 'conv' -> conv1, conv2 ... */
  prefix: string | ((attributes: A) => string);
  /** False for a kind of which a network has at most one, whose name is the prefix alone. */
  isNumbered?: false;
  /**
   * Checks the attributes and the inputs' shapes, and returns the shapes of the output and the variables.
   * @param inputs shapes without the batch.
   * @throws the error of `fail`, where the shapes or attributes do not fit.
   */
  plan(inputs: number[][], attributes: A, fail: Fail): Plan;
  /**
   * Computes the output [batch, ...outputShape].
   * @param inputs [batch, ...shape]
   * @param variables and state, by their names within the layer, e.g. 'weights'.
   */
  forward(inputs: tf.Tensor[], variables: Record<string, tf.Tensor>, attributes: A, pass: Pass): tf.Tensor;
  /** Whether each element of the output depends only on the same element of its inputs, whatever their shape. */
  isElementwise?: true;
  /** Whether each channel of the output depends only on the same channel of its input, and all are treated alike. */
  isPerChannel?: true;
  /** Whether the output is an affine function of the inputs, like the layers between a convolution and its activation. */
  isLinear?: true;
  /** Whether no element of the output can be below 0. */
  isNonNegative?(attributes: A): boolean;
  /** Whether no element of the output can be below 0 where none of the inputs is. */
  keepsNonNegative?: true;
}

/** One layer of a network: plain data, as manifests hold it. */
export interface LayerSummary<A extends object = Attributes> {
  /** 'conv1', 'pool1', 'relu1', 'flatten', 'fc1', 'logits', 'norm1', 'add1' ... */
  name: string;
  /** One of the kinds in layers/index.ts. */
  kind: string;
  /** Names of the layers that it reads; empty: it reads the pictures. */
  inputs: string[];
  /** Without the batch: [height, width, channels] or [features]. */
  inputShape: number[];
  outputShape: number[];
  /** Trainable variables, e.g. { name: 'conv1/weights', shape: [5, 5, 3, 16] }. */
  variables: { name: string; shape: number[] }[];
  /** Variables that are saved but not trained, e.g. { name: 'norm1/mean', shape: [32] }. */
  state?: { name: string; shape: number[] }[];
  /** e.g. { kernel: 5, stride: 1, padding: 'same', outputChannels: 16, biases: true }. */
  attributes: A;
}

/**
 * All variables of a layer: those that are trained, and its state.
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

/** A layer with its inputs and attributes, before it is planned. */
export interface Placed<A extends object = Attributes> {
  name: string;
  /** Names of the layers that it reads. */
  inputs: string[];
  /** Shapes of its inputs, without the batch. */
  inputShapes: number[][];
  attributes: A;
}

/** A layer of a network, ready to be computed. */
export interface PlannedLayer {
  layer: Layer;
  summary: LayerSummary;
  plan: Plan;
}

/** Checks a layer's inputs, and returns it with its output shape and variables. */
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
