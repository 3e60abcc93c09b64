import { activate } from '../engine/kernels/activation/operation.ts';
import type { SquareConvolutionOptions } from '../engine/kernels/conv/operation.ts';
import {
  foldedDense,
  foldedSteps,
  hasFoldedSteps,
  packFoldedSteps,
} from '../engine/kernels/folded_steps/operation.ts';
import {
  fusedConvolution,
  hasFusedConvolution,
  packFilter,
} from '../engine/kernels/fused_convolution/operation.ts';
import {
  hasInvertedResidual,
  invertedResidual,
  type PackedConvolution,
} from '../engine/kernels/inverted_residual/operation.ts';
import { usesRelaxedSimd } from '../engine/wasm/relaxed_simd.ts';
import { activation, add, layerOf } from '../layers/index.ts';
import { tf } from '../tensors/tf.ts';
import { type Block, fusedActivation, groupBlocks, isPlainWindow } from './blocks.ts';
import type { Constant, Step } from './fold.ts';
import { denseOf, groupRuns, type Run } from './runs.ts';

/** A step whose variables are on the engine. */
export interface ReadyStep {
  name: string;
  /** Names of the steps that it reads; empty: it reads the pictures. */
  reads: string[];
  /** @param inputs outputs of the steps that it reads, or the pictures. */
  compute(inputs: tf.Tensor[]): tf.Tensor;
  /** Its variables. */
  tensors: tf.Tensor[];
}

/** Uploads the variables of all steps, and chooses the engine's kernels for them. */
export function prepare(steps: Step[]): ReadyStep[] {
  if (hasFoldedSteps()) return groupRuns(groupBlocks(steps)).map(prepareForRuns);
  const grouped = hasInvertedResidual() ? groupBlocks(steps) : steps;
  return grouped.map((one) => {
    if (!('kind' in one)) return prepareBlock(one);
    return hasFusedConvolution() && gainsFromFusing(one) ? prepareConvolution(one) : prepareLayers(one);
  });
}

function prepareForRuns(one: Step | Block | Run): ReadyStep {
  if ('steps' in one) return prepareRun(one);
  if (!('kind' in one)) return prepareBlock(one);
  const isDense = one.kind === 'fullyConnected' && one.residual === undefined && fusedActivation(one);
  return isDense ? prepareDense(one) : prepareLayers(one);
}

const isConvolution = (step: Step) =>
  (step.kind === 'conv' || step.kind === 'depthwiseConv') && isPlainWindow(step);

/**
 * Whether the kernel for fused convolutions is faster. It copies the windows of larger kernels first, which pays where
 * multiply-add is fused, too; otherwise the layer's own kernel, which reads them in place, is a tenth faster.
 */
function gainsFromFusing(step: Step): boolean {
  if (!isConvolution(step)) return false;
  const [height, width] = filterShapeOf(step) as [number, number];
  return step.kind === 'depthwiseConv' || height * width === 1 || usesRelaxedSimd();
}

const upload = ({ values, shape }: Constant) => tf.tensor(values, shape, 'float32');

const withResidual = ({ inputs, residual }: Step) =>
  residual === undefined ? inputs : [...inputs, residual];

/** With the functions of the layers, which every engine computes. */
function prepareLayers(step: Step): ReadyStep {
  const variables = Object.fromEntries(
    Object.entries(step.variables).map(([name, values]) => [name, upload(values)]),
  );
  const layer = layerOf(step);
  const pass = { name: step.name, seed: 1, training: undefined };
  const inputsOfLayer = Math.max(1, step.inputs.length);
  return {
    name: step.name,
    reads: withResidual(step),
    tensors: Object.values(variables),
    compute(inputs) {
      const [others, residual] = [inputs.slice(0, inputsOfLayer), inputs.slice(inputsOfLayer)];
      let output = layer.forward(others, variables, step.attributes, pass);
      for (const one of residual) output = add.forward([output, one], {}, {}, pass);
      return step.activation ? activation.forward([output], {}, step.activation, pass) : output;
    },
  };
}

function pack({ kind, variables }: Step): PackedConvolution {
  const { weights, biases } = variables as { weights: Constant; biases: Constant };
  const filter = tf.tidy(() => packFilter({ ...weights, depthwise: kind === 'depthwiseConv' }));
  return { filter, bias: upload(biases) };
}

const filterShapeOf = ({ variables: { weights } }: Step) => (weights as Constant).shape;

const optionsOf = ({ attributes: { stride, padding } }: Step) =>
  ({ stride, padding }) as unknown as SquareConvolutionOptions;

function prepareConvolution(step: Step): ReadyStep {
  const packed = pack(step);
  const attributes = {
    ...optionsOf(step),
    filterShape: filterShapeOf(step),
    depthwise: step.kind === 'depthwiseConv',
    activation: fusedActivation(step) ?? 'linear',
  };
  const own = fusedActivation(step) ? undefined : step.activation;
  return {
    name: step.name,
    reads: withResidual(step),
    tensors: Object.values(packed),
    compute([x, residual]) {
      const output = fusedConvolution({ x: x as tf.Tensor, ...packed, residual }, attributes);
      return own ? activate(output, own) : output;
    },
  };
}

function prepareBlock({ name, inputs, expand, depthwise, project, activation, residual }: Block): ReadyStep {
  const parts = { expand: expand && pack(expand), depthwise: pack(depthwise), project: pack(project) };
  const attributes = {
    ...optionsOf(depthwise),
    filterShape: filterShapeOf(depthwise),
    activation,
    residual,
  };
  return {
    name,
    reads: inputs,
    tensors: Object.values(parts).flatMap((part) => (part ? Object.values(part) : [])),
    compute: ([x]) => invertedResidual(x as tf.Tensor, parts, attributes),
  };
}

function prepareRun({ name, input, steps, outputShape }: Run): ReadyStep {
  const packed = tf.tidy(() => ({ ...packFoldedSteps(steps) }));
  return {
    name,
    reads: input === undefined ? [] : [input],
    tensors: Object.values(packed),
    compute([x]) {
      const output = foldedSteps(x as tf.Tensor, packed);
      return tf.reshape(output, [output.shape[0] as number, ...outputShape]);
    },
  };
}

function prepareDense(step: Step): ReadyStep {
  const packed = tf.tidy(() => ({ ...packFoldedSteps([denseOf(step)]) }));
  return {
    name: step.name,
    reads: step.inputs,
    tensors: Object.values(packed),
    compute: ([x]) => foldedDense(x as tf.Tensor, packed),
  };
}
