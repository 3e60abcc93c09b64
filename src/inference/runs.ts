import type { ActivationAttributes } from '../engine/kernels/activation/operation.ts';
import type { FilterValues, FoldedStep } from '../engine/kernels/folded_steps/operation.ts';
import { type AxisWindow, samePadding } from '../layers/index.ts';
import { sizeOf } from '../tensors/shape.ts';
import { type Block, fusedActivation, hasOneSize, isPlainWindow } from './blocks.ts';
import type { Constant, Step } from './fold.ts';

/** Steps that an engine computes at once, each reading others of them or the run's one input. */
export interface Run {
  /** Of the last step, whose output alone is kept. */
  name: string;
  /** The step that the run reads; undefined: it reads the pictures. */
  input: string | undefined;
  /** Without the batch. */
  outputShape: number[];
  steps: FoldedStep[];
}

type Element = Step | Block;

const isBlock = (element: Element): element is Block => !('kind' in element);

/** The kinds of layers that can be steps of a run. */
const kindsInRuns = [
  'conv',
  'depthwiseConv',
  'pool',
  'averagePool',
  'globalAveragePool',
  'zeroPadding',
  'activation',
  'batchNorm',
  'add',
  'multiply',
  'concat',
];

const isMaps = (shape: number[]) => shape.length === 3;

/** Whether a step's output is features, which no step of a run reads. */
const endsInFeatures = (element: Element) => !isBlock(element) && !isMaps(element.outputShape);

function canRun(element: Element): boolean {
  if (isBlock(element)) return true;
  const { kind, inputShape } = element;
  if (!kindsInRuns.includes(kind) || !isMaps(inputShape)) return false;
  return hasOneSize(element);
}

/** What an element reads; undefined: the pictures. */
function readsOf(element: Element): (string | undefined)[] {
  const inputs = element.inputs.length > 0 ? element.inputs : [undefined];
  return !isBlock(element) && element.residual !== undefined ? [...inputs, element.residual] : inputs;
}

/** Replaces elements that an engine can compute at once by runs, each as long as possible. */
export function groupRuns(elements: Element[]): (Element | Run)[] {
  const grouped: (Element | Run)[] = [];
  for (let at = 0; at < elements.length; ) {
    const members = longestRun(elements, at);
    grouped.push(members.length > 0 ? runOf(members) : (elements[at] as Element));
    at += Math.max(1, members.length);
  }
  return grouped;
}

function longestRun(elements: Element[], at: number): Element[] {
  let end = at;
  while (end < elements.length && joins(elements[end] as Element, elements.slice(at, end))) end++;
  while (end > at + 1 && !isClosed(elements.slice(at, end), elements.slice(end))) end--;
  return elements.slice(at, end);
}

function joins(element: Element, members: Element[]): boolean {
  const last = members.at(-1);
  if (!canRun(element) || (last && endsInFeatures(last))) return false;
  const [input] = readsOf(members[0] ?? element);
  return readsOf(element).every((name) => name === input || members.some((member) => member.name === name));
}

/** Whether nothing after a run reads others than its last member. */
function isClosed(members: Element[], after: Element[]): boolean {
  const inner = members.slice(0, -1).map(({ name }) => name);
  return !after.some((element) =>
    readsOf(element).some((name) => name !== undefined && inner.includes(name)),
  );
}

/** Makes the steps of a run, with a buffer for each output until it has been read for the last time. */
function runOf(members: Element[]): Run {
  const [input] = readsOf(members[0] as Element);
  const steps: FoldedStep[] = [];
  const buffers = new Buffers();
  const places = new Map<string | undefined, Place>();
  const shape = inputShapeOf(members[0] as Element);
  places.set(input, { buffer: -1, shape });
  if (members.some((member) => needsBuffer(member, input))) {
    const buffer = buffers.take();
    places.set(input, { buffer, shape });
    steps.push({ ...plainStep, kind: 'load', from: -1, to: buffer, input: shape, output: shape });
  }
  for (const [index, member] of members.entries()) {
    const read = readsOf(member).map((name) => places.get(name) as Place);
    const to = { buffer: buffers.take(), shape: outputShapeOf(member) };
    steps.push(...stepsOf(member, read, to));
    places.set(member.name, to);
    const later = members.slice(index + 1).flatMap(readsOf);
    for (const [name, { buffer }] of places)
      if (!later.includes(name) && name !== member.name && buffer >= 0) {
        buffers.release(buffer);
        places.delete(name);
      }
  }
  const last = members.at(-1) as Element;
  const { outputShape } = isBlock(last) ? last.project : last;
  return { name: last.name, input, outputShape, steps };
}

/** Maps between the steps of a run. */
interface Place {
  /** -1: x. */
  buffer: number;
  /** [height, width, channels] */
  shape: number[];
}

/** Numbers of buffers, the lowest free one first. */
class Buffers {
  readonly #taken = new Set<number>();

  take(): number {
    let buffer = 0;
    while (this.#taken.has(buffer)) buffer++;
    this.#taken.add(buffer);
    return buffer;
  }

  release(buffer: number): void {
    this.#taken.delete(buffer);
  }
}

/** Only convolutions of all channels can read a run's input as it is. */
function needsBuffer(member: Element, input: string | undefined): boolean {
  const reads = readsOf(member);
  const asItIs = !isBlock(member) && member.kind === 'conv' && isPlainWindow(member) ? 1 : 0;
  return reads.slice(asItIs).includes(input);
}

function inputShapeOf(element: Element): number[] {
  return isBlock(element) ? (element.expand ?? element.depthwise).inputShape : element.inputShape;
}

function outputShapeOf(element: Element): number[] {
  const { outputShape } = isBlock(element) ? element.project : element;
  return isMaps(outputShape) ? outputShape : [1, 1, ...outputShape];
}

const noWindow = { kernel: 1, stride: 1, top: 0, left: 0 };
/** What steps have unless they say otherwise. */
const plainStep = { residual: -1, window: noWindow, activation: 'linear' as const };

function windowOf({ attributes, inputShape: [height = 1, width = 1] }: Step): FoldedStep['window'] {
  const { kernel, stride, padding } = attributes as unknown as AxisWindow;
  const before = (length: number) =>
    padding === 'same' ? samePadding(length, { kernel, stride }).before : 0;
  return { kernel, stride, top: before(height), left: before(width) };
}

const valuesOf = (one: Constant | undefined) => (one as Constant).values;

const filterOf = ({ variables: { weights, biases } }: Step): FilterValues => ({
  weights: valuesOf(weights),
  biases: valuesOf(biases),
});

/** The steps of an element. @param read the maps that it reads, those that are added last. */
function stepsOf(element: Element, read: Place[], to: Place): FoldedStep[] {
  if (isBlock(element)) return [blockOf(element, read, to)];
  const { activation } = element;
  const fused = fusedActivation(element);
  const steps = withoutActivation(element, read, to).map((step) => ({
    ...step,
    activation: fused ?? 'linear',
  }));
  if (activation && !fused) steps.push(activated(activation, to, to));
  return steps;
}

/** A function of each element of maps. */
const activated = (attributes: ActivationAttributes, from: Place, to: Place) => ({
  ...plainStep,
  kind: 'activate' as const,
  from: from.buffer,
  to: to.buffer,
  input: from.shape,
  output: to.shape,
  function: attributes,
});

function withoutActivation(step: Step, read: Place[], to: Place): FoldedStep[] {
  const [first, second] = read as [Place, Place | undefined];
  const residual = second?.buffer ?? -1;
  const common = { ...plainStep, from: first.buffer, to: to.buffer, input: first.shape, output: to.shape };
  switch (step.kind) {
    case 'conv': {
      const { groups } = step.attributes as { groups?: number };
      const parts = { window: windowOf(step), product: filterOf(step), residual };
      return [
        groups === undefined
          ? { ...common, ...parts, kind: 'convolution' }
          : { ...common, ...parts, kind: 'groups', groups },
      ];
    }
    case 'depthwiseConv':
      return [{ ...common, kind: 'depthwise', window: windowOf(step), depthwise: filterOf(step), residual }];
    case 'pool':
      return [{ ...common, kind: 'maxPool', window: windowOf(step) }];
    case 'averagePool':
      return [{ ...common, kind: 'averagePool', window: windowOf(step) }];
    case 'zeroPadding': {
      const { top, left } = step.attributes as { top: number; left: number };
      return [{ ...common, kind: 'pad', window: { ...noWindow, top, left } }];
    }
    case 'activation':
      return [activated(step.attributes as unknown as ActivationAttributes, first, to)];
    case 'batchNorm':
      return [{ ...common, kind: 'affine', product: affineOf(step) }];
    case 'add':
      return [{ ...common, kind: 'add', residual }];
    case 'multiply':
      return [{ ...common, kind: 'multiply', ...factorsOf(first, second as Place) }];
    case 'concat':
      return placed(read, to);
    default:
      return [{ ...common, kind: 'average' }];
  }
}

/** (x - mean) / sqrt(variance + epsilon) * scale + offset as a factor and a number for each channel. */
function affineOf({ attributes, variables }: Step): FilterValues {
  const { scale, offset, mean, variance } = variables;
  const epsilon = attributes.epsilon as number;
  const slopes = Float64Array.from(
    valuesOf(variance),
    (value, c) => (valuesOf(scale)[c] as number) / Math.sqrt(value + epsilon),
  );
  const numbers = slopes.map(
    (slope, c) => (valuesOf(offset)[c] as number) - (valuesOf(mean)[c] as number) * slope,
  );
  return { weights: Float32Array.from(slopes), biases: Float32Array.from(numbers) };
}

/** The maps, and what they are multiplied with: maps, or one factor for each channel. */
function factorsOf(one: Place, other: Place) {
  const [maps, factors] = sizeOf(one.shape) < sizeOf(other.shape) ? [other, one] : [one, other];
  const isByChannel = String(maps.shape) !== String(factors.shape);
  return {
    from: maps.buffer,
    input: maps.shape,
    residual: factors.buffer,
    ...(isByChannel && { groups: 1 }),
  };
}

/** Maps beside each other. */
function placed(read: Place[], to: Place): FoldedStep[] {
  let offset = 0;
  return read.map(({ buffer, shape }) => {
    const places = { from: buffer, to: to.buffer, input: shape, output: to.shape };
    const step: FoldedStep = { ...plainStep, kind: 'place', ...places, offset };
    offset += shape[2] as number;
    return step;
  });
}

function blockOf(block: Block, [from]: Place[], to: Place): FoldedStep {
  const { expand, depthwise, project, activation, residual } = block;
  const { buffer, shape } = from as Place;
  return {
    kind: 'block',
    from: buffer,
    residual: residual ? buffer : -1,
    to: to.buffer,
    input: shape,
    output: to.shape,
    window: windowOf(depthwise),
    activation,
    product: filterOf(project),
    depthwise: filterOf(depthwise),
    expand: expand && filterOf(expand),
  };
}

/** A fully connected layer as an engine computes it alone, for the whole batch at once. */
export function denseOf(step: Step): FoldedStep {
  const { inputShape, outputShape } = step;
  return {
    ...plainStep,
    kind: 'dense',
    from: -1,
    to: 0,
    input: [1, 1, ...inputShape],
    output: [1, 1, ...outputShape],
    activation: fusedActivation(step) ?? 'linear',
    product: filterOf(step),
  };
}
