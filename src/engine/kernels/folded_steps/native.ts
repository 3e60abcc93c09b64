import type { tf } from '../../../tensors/tf.ts';
import { executeOnTensors, type NodeBackend } from '../../native/backend.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { type ActivationFunction, defaultAlpha } from '../activation/operation.ts';
import {
  type FilterValues,
  type FoldedStep,
  foldedDenseKernel,
  foldedStepsKernel,
  type PackFoldedStepsAttributes,
  packFoldedStepsKernel,
} from './operation.ts';

/** kPanel of native_sums.h. */
const panel = 16;
/** The enum Kind of native.cc. */
const kinds: FoldedStep['kind'][] = [
  'load',
  'convolution',
  'depthwise',
  'block',
  'maxPool',
  'average',
  'dense',
  'averagePool',
  'groups',
  'activate',
  'affine',
  'add',
  'multiply',
  'place',
  'pad',
];
/** The enum Function of native_sums.h, whose first two are among `fusedActivations`. */
const functions: (ActivationFunction | 'linear')[] = [
  'linear',
  'relu',
  'relu6',
  'sigmoid',
  'swish',
  'hardSigmoid',
  'hardSwish',
  'leakyRelu',
];

const rowsAtOnce = 32;

const panelsOf = (channels: number) => Math.ceil(channels / panel);

/** Weights one after the other, each at a multiple of a panel. */
class Weights {
  readonly #parts: Float32Array[] = [];
  #size = 0;

  /** @returns where it begins, in floats. */
  add(values: Float32Array): number {
    const at = this.#size;
    this.#parts.push(values);
    this.#size += panelsOf(values.length) * panel;
    return at;
  }

  values(): Float32Array {
    const all = new Float32Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += panelsOf(part.length) * panel;
    }
    return all;
  }
}

const padded = (values: Float32Array) => {
  const all = new Float32Array(panelsOf(values.length) * panel);
  all.set(values);
  return all;
};

/**
 * [rows, columns] -> [panel of columns][row of the product][16], with zeros for what is beyond the last.
 * @param rowOf the row of the product that each row becomes.
 */
function packMatrix(values: Float32Array, columns: number, rows: number, rowOf: (row: number) => number) {
  const packed = new Float32Array(panelsOf(columns) * rows * panel);
  const filled = values.length / columns;
  // A few rows at a time, which stay in the cache while they are cut up.
  for (let first = 0; first < filled; first += rowsAtOnce)
    for (let column = 0; column < columns; column += panel)
      for (let row = first; row < Math.min(filled, first + rowsAtOnce); row++) {
        const to = column * rows + rowOf(row) * panel;
        const width = Math.min(panel, columns - column);
        for (let i = 0; i < width; i++) packed[to + i] = values[row * columns + column + i] as number;
      }
  return packed;
}

const same = (row: number) => row;

/** Whether a convolution's products are those of whole panels of maps, with the channels beyond the last. */
const hasWholePanels = ({ kind, from, window: { kernel, stride } }: FoldedStep) =>
  kind === 'convolution' && from >= 0 && (kernel > 1 || stride > 1);

/** A step's products per value, and its filter as native.cc reads it. */
function packProduct(step: FoldedStep, { weights, biases }: FilterValues) {
  const columns = biases.length;
  const rows = weights.length / columns;
  if (!hasWholePanels(step)) return { k: rows, filter: packMatrix(weights, columns, rows, same) };
  const channels = step.input[2] as number;
  const whole = panelsOf(channels) * panel;
  const k = step.window.kernel ** 2 * whole;
  const rowOf = (row: number) => Math.floor(row / channels) * whole + (row % channels);
  return { k, filter: packMatrix(weights, columns, k, rowOf) };
}

/**
 * The filter of a convolution in groups: for each panel of outputs [kernel][kernel][panels of inputs that its groups read][16]
 * rows of 16 columns, zeros where a column's group does not read a row.
 * @returns the panels of inputs as well, as many for every panel of outputs.
 */
function packGroups({ input, output, window, groups = 1 }: FoldedStep, { weights }: FilterValues) {
  const [channels, outputs] = [input[2] as number, output[2] as number];
  const [ownInputs, ownOutputs] = [channels / groups, outputs / groups];
  const groupOf = (out: number) => Math.floor(Math.min(out, outputs - 1) / ownOutputs);
  const firstOf = (column: number) => Math.floor((groupOf(column) * ownInputs) / panel);
  const columns = Array.from({ length: panelsOf(outputs) }, (_, index) => index * panel);
  const read = columns.map(
    (column) => Math.ceil(((groupOf(column + panel - 1) + 1) * ownInputs) / panel) - firstOf(column),
  );
  const panels = Math.max(...read);
  const taps = window.kernel ** 2;
  const rows = taps * panels * panel;
  const filter = new Float32Array(columns.length * rows * panel);
  for (let out = 0; out < outputs; out++) {
    const index = Math.floor(out / panel);
    // FirstInputPanel of native.cc.
    const first = Math.max(0, Math.min(firstOf(index * panel), panelsOf(channels) - panels)) * panel;
    for (let tap = 0; tap < taps; tap++)
      for (let own = 0; own < ownInputs; own++) {
        const row = tap * panels * panel + groupOf(out) * ownInputs + own - first;
        filter[(index * rows + row) * panel + (out % panel)] = weights[
          (tap * ownInputs + own) * outputs + out
        ] as number;
      }
  }
  return { k: rows, filter, panels };
}

/** A number's bits as those of a whole one. */
const bitsOf = (value: number) => new Int32Array(Float32Array.of(value).buffer)[0] as number;

function packFilter(
  step: FoldedStep,
  product: FilterValues,
): { k: number; filter: Float32Array; panels?: number } {
  if (step.kind === 'groups') return packGroups(step, product);
  return step.kind === 'affine' ? { k: 0, filter: padded(product.weights) } : packProduct(step, product);
}

/** The fields of the struct Step of native.cc. */
function fieldsOf(step: FoldedStep, weights: Weights): number[] {
  const { product, depthwise, expand, window } = step;
  const packed = product && packFilter(step, product);
  const plain = ({ weights: values, biases }: FilterValues) =>
    packMatrix(values, biases.length, values.length / biases.length, same);
  return [
    kinds.indexOf(step.kind),
    step.from,
    step.residual,
    step.to,
    ...step.input,
    ...step.output,
    window.kernel,
    window.stride,
    window.top,
    window.left,
    packed?.k ?? 0,
    functions.indexOf(step.function?.function ?? step.activation),
    packed ? weights.add(packed.filter) : -1,
    product ? weights.add(padded(product.biases)) : -1,
    packed?.panels ?? depthwise?.biases.length ?? 0,
    depthwise ? weights.add(plain(depthwise)) : -1,
    depthwise ? weights.add(padded(depthwise.biases)) : -1,
    expand ? weights.add(plain(expand)) : -1,
    expand ? weights.add(padded(expand.biases)) : -1,
    step.groups ?? 0,
    step.offset ?? 0,
    bitsOf(step.function?.alpha ?? defaultAlpha),
  ];
}

function upload(backend: NodeBackend, dtype: 'TF_FLOAT' | 'TF_INT32', values: ArrayLike<number>) {
  const output = { shape: [values.length], dtype: backend.binding[dtype] as number };
  const id = backend.binding.createTensor(output.shape, output.dtype, values);
  return backend.createOutputTensor({ id, ...output });
}

export const packFoldedSteps: OwnKernel = {
  name: packFoldedStepsKernel,
  needs: 'operations',
  run(backend, _, attributes) {
    const { steps } = attributes as unknown as PackFoldedStepsAttributes;
    const weights = new Weights();
    const program = Int32Array.from(steps.flatMap((step) => fieldsOf(step, weights)));
    return [upload(backend, 'TF_FLOAT', weights.values()), upload(backend, 'TF_INT32', program)];
  },
};

const compute = (name: string, operation: string): OwnKernel => ({
  name,
  needs: 'operations',
  run(backend, inputs) {
    const { x, weights, program } = inputs as Record<'x' | 'weights' | 'program', tf.TensorInfo>;
    return executeOnTensors(backend, operation, {}, [x, weights, program]);
  },
});

export const foldedSteps = compute(foldedStepsKernel, 'BatSupFoldedSteps');
export const foldedDense = compute(foldedDenseKernel, 'BatSupFoldedDense');
