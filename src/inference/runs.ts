import type { FilterValues, FoldedStep } from '../engine/kernels/folded_steps/operation.ts';
import { type AxisWindow, samePadding } from '../layers/index.ts';
import { type Block, fusedActivation, isPlainWindow } from './blocks.ts';
import type { Step } from './fold.ts';

/** Steps that an engine computes at once, each reading others of them or the run's one input. */
export interface Run {
  /** Of the last step, whose output alone is kept. */
  name: string;
  /** The step that the run reads; undefined: it reads the pictures. */
  input: string | undefined;
  steps: FoldedStep[];
}

type Element = Step | Block;

const isBlock = (element: Element): element is Block => !('kind' in element);
const kindsInRuns = ['conv', 'depthwiseConv', 'pool', 'globalAveragePool'];

function canRun(element: Element): boolean {
  if (isBlock(element)) return true;
  const { kind, attributes } = element;
  // Runs end in means that are features.
  if (attributes.keepDimensions) return false;
  return kindsInRuns.includes(kind) && isPlainWindow(element) && fusedActivation(element) !== undefined;
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
  // The mean of maps is features, and no step of a run reads these.
  if (!canRun(element) || (last && !isBlock(last) && last.kind === 'globalAveragePool')) return false;
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
  const places = new Map<string | undefined, number>([[input, -1]]);
  if (members.some((member) => needsBuffer(member, input))) {
    places.set(input, buffers.take());
    steps.push(loadOf(members[0] as Element));
  }
  for (const [index, member] of members.entries()) {
    const [from, residual = -1] = readsOf(member).map((name) => places.get(name) as number);
    const to = buffers.take();
    const added = isBlock(member) && member.residual ? from : residual;
    steps.push({ ...stepOf(member), from: from as number, residual: added as number, to });
    places.set(member.name, to);
    const later = members.slice(index + 1).flatMap(readsOf);
    for (const [name, place] of places)
      if (!later.includes(name) && name !== member.name && place >= 0) {
        buffers.release(place);
        places.delete(name);
      }
  }
  return { name: (members.at(-1) as Element).name, input, steps };
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

/** Only convolutions can read a run's input as it is. */
function needsBuffer(member: Element, input: string | undefined): boolean {
  const reads = readsOf(member);
  const asItIs = !isBlock(member) && member.kind === 'conv' ? 1 : 0;
  return reads.slice(asItIs).includes(input);
}

const noWindow = { kernel: 1, stride: 1, top: 0, left: 0 };

function inputShapeOf(element: Element): number[] {
  return isBlock(element) ? (element.expand ?? element.depthwise).inputShape : element.inputShape;
}

function loadOf(first: Element): FoldedStep {
  const shape = inputShapeOf(first);
  const places = { from: -1, residual: -1, to: 0 };
  return { kind: 'load', ...places, input: shape, output: shape, window: noWindow, activation: 'linear' };
}

function windowOf({ attributes, inputShape: [height = 1, width = 1] }: Step): FoldedStep['window'] {
  const { kernel, stride, padding } = attributes as unknown as AxisWindow;
  const before = (length: number) =>
    padding === 'same' ? samePadding(length, { kernel, stride }).before : 0;
  return { kernel, stride, top: before(height), left: before(width) };
}

function filterOf({ variables: { weights, biases } }: Step): FilterValues {
  return {
    weights: (weights as { values: Float32Array }).values,
    biases: (biases as { values: Float32Array }).values,
  };
}

/** A step without its buffers. */
function stepOf(element: Element): Omit<FoldedStep, 'from' | 'residual' | 'to'> {
  if (isBlock(element)) return blockOf(element);
  const { kind, inputShape: input, outputShape: output } = element;
  const activation = fusedActivation(element) ?? 'linear';
  const shapes = { input, output, activation };
  switch (kind) {
    case 'conv':
      return { kind: 'convolution', ...shapes, window: windowOf(element), product: filterOf(element) };
    case 'depthwiseConv':
      return { kind: 'depthwise', ...shapes, window: windowOf(element), depthwise: filterOf(element) };
    case 'pool':
      return { kind: 'maxPool', ...shapes, window: windowOf(element) };
    default:
      return { kind: 'average', ...shapes, output: [1, 1, ...output], window: noWindow };
  }
}

function blockOf({ expand, depthwise, project, activation }: Block) {
  return {
    kind: 'block' as const,
    input: (expand ?? depthwise).inputShape,
    output: project.outputShape,
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
    kind: 'dense',
    ...{ from: -1, residual: -1, to: 0 },
    input: [1, 1, ...inputShape],
    output: [1, 1, ...outputShape],
    window: noWindow,
    activation: fusedActivation(step) ?? 'linear',
    product: filterOf(step),
  };
}
