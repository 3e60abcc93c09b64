import { type FusedActivation, fusedActivations } from '../engine/kernels/fused_convolution/operation.ts';
import type { Step } from './fold.ts';

/** Steps that together are an inverted residual block. */
export interface Block {
  /** The last step's. */
  name: string;
  /** The steps that it reads; empty: it reads the pictures. */
  inputs: string[];
  /** A 1x1 convolution to more channels; undefined where there is none. */
  expand: Step | undefined;
  depthwise: Step;
  /** A 1x1 convolution to fewer channels. */
  project: Step;
  /** After the expansion and after the depthwise convolution. */
  activation: FusedActivation;
  /** Whether the block's input is added to its output. */
  residual: boolean;
}

/** A step's activation, if the kernels for fused convolutions have it. */
export function fusedActivation({ activation }: Step): FusedActivation | undefined {
  const name = activation?.function ?? 'linear';
  return fusedActivations.find((one) => one === name);
}

/** Whether its window, if it has one, is the same on both axes. */
export function hasOneSize({ attributes: { kernel, stride } }: Step): boolean {
  return !Array.isArray(kernel) && !Array.isArray(stride);
}

/** Whether it reads all channels at once as well. */
export const isPlainWindow = (step: Step) => hasOneSize(step) && step.attributes.groups === undefined;

const isPointwise = (step: Step) =>
  step.kind === 'conv' && isPlainWindow(step) && step.attributes.kernel === 1 && step.attributes.stride === 1;

/** Replaces the steps of each inverted residual block by the block. */
export function groupBlocks(steps: Step[]): (Step | Block)[] {
  const grouped: (Step | Block)[] = [];
  for (let at = 0; at < steps.length; ) {
    const block = blockAt(steps, at);
    const count = block ? (block.expand ? 3 : 2) : 1;
    grouped.push(block ?? (steps[at] as Step));
    at += count;
  }
  return grouped;
}

/** Whether only the second step reads the first, and reads nothing else. */
function isChain(first: Step, second: Step, steps: Step[]): boolean {
  const reads = steps.flatMap(({ inputs, residual }) => [...inputs, ...(residual ? [residual] : [])]);
  return String(second.inputs) === first.name && reads.filter((name) => name === first.name).length === 1;
}

function blockAt(steps: Step[], at: number): Block | undefined {
  const [first, second, third] = steps.slice(at, at + 3);
  if (!first || !second) return undefined;
  if (first.kind === 'depthwiseConv') return blockOf(undefined, first, second, steps);
  const expands = isPointwise(first) && first.residual === undefined && isChain(first, second, steps);
  return expands && third ? blockOf(first, second, third, steps) : undefined;
}

function blockOf(expand: Step | undefined, depthwise: Step, project: Step, steps: Step[]): Block | undefined {
  const { inputs } = expand ?? depthwise;
  const activation = fusedActivation(depthwise);
  const fits =
    depthwise.kind === 'depthwiseConv' &&
    isPlainWindow(depthwise) &&
    depthwise.residual === undefined &&
    isPointwise(project) &&
    project.activation === undefined &&
    isChain(depthwise, project, steps) &&
    activation !== undefined &&
    (!expand || fusedActivation(expand) === activation) &&
    (project.residual === undefined || project.residual === inputs[0]);
  const residual = project.residual !== undefined;
  return fits ? { name: project.name, inputs, expand, depthwise, project, activation, residual } : undefined;
}
