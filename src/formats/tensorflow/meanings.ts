import type { AttrValue, NodeDef } from './messages.ts';

/** What the nodes of a TensorFlow graph can mean to a network of bat-sup's layers. */

/** A variable that the checkpoint holds the values of. */
export interface Variable {
  kind: 'variable';
  name: string;
  shape: number[];
  /** One of dataTypes. */
  type: number;
  /** What each value of an output, the last axis, is multiplied by: of rounded weights. */
  scale?: Variable;
}

export interface Windowed {
  strides: number[];
  padding: 'same' | 'valid';
}

/** A step from the pictures to the logits; `node` is where the graph has it. */
export type Operation = { node: string } & (
  | { kind: 'pictures'; shape: number[] }
  /** The channels in the reverse order. */
  | { kind: 'reverse'; inputs: [Operation] }
  /** Every element times a number; undefined: that is only known when it runs, or another for each channel. */
  | { kind: 'multiply'; inputs: [Operation]; factor: number | undefined; by?: NormFactor }
  /** Every element times a number plus a number, each one for all channels or one for each. */
  | { kind: 'normalise'; inputs: [Operation]; factors: number[]; offsets: number[] }
  | ({ kind: 'conv'; inputs: [Operation]; weights: Variable; biases?: Variable } & Windowed)
  | ({ kind: 'maxPool'; inputs: [Operation]; kernel: number[] } & Windowed)
  /** Zeros [top, left, bottom, right]. */
  | { kind: 'zeroPadding'; inputs: [Operation]; sides: number[] }
  | { kind: 'relu'; inputs: [Operation] }
  | { kind: 'flatten'; inputs: [Operation] }
  | { kind: 'fullyConnected'; inputs: [Operation]; weights: Variable; transposed: boolean; biases?: Variable }
  | { kind: 'batchNorm'; inputs: [Operation]; parts: NormParts; epsilon: number }
  | { kind: 'add'; inputs: [Operation, Operation] }
  | { kind: 'globalAveragePool'; inputs: [Operation] }
);

/** The scale is 1 where absent. */
export interface NormParts {
  scale?: Variable;
  offset: Variable;
  mean: Variable;
  variance: Variable;
}

/** It depends on the pictures in a way that bat-sup has no layer for. */
export interface Unknown {
  kind: 'unknown';
  node: string;
  op: string;
}

/** A tensor that the graph holds, of whatever it may be the shape or the axis. */
export interface Constant {
  kind: 'constant';
  values: number[];
  shape: number[];
}

/** It depends on random numbers, as dropout does. */
export interface Random {
  kind: 'random';
}

/** A list of numbers not all of which are known: how many they are. */
export interface Packed {
  kind: 'packed';
  length: number;
}

/** The factor of a batch normalisation, as far as the graph has been read. */
export interface NormFactor {
  kind: 'normFactor';
  variance: Variable;
  epsilon: number;
  isRoot?: true;
  scale?: Variable;
}

/** mean * factor, and the offset that it is subtracted from. */
export interface NormShift {
  kind: 'normShift';
  factor: NormFactor;
  mean: Variable;
  offset?: Variable;
}

export type Meaning = Operation | Variable | Constant | Random | Packed | NormFactor | NormShift | Unknown;

/** A node with the meanings of its inputs; undefined: an input that has nothing to do with the network. */
export interface Given {
  node: NodeDef;
  attributes: Map<string, AttrValue>;
  inputs: (Meaning | undefined)[];
}

const operationKinds = [
  'pictures',
  'reverse',
  'multiply',
  'normalise',
  'conv',
  'maxPool',
  'zeroPadding',
  'relu',
  'flatten',
  'fullyConnected',
  'batchNorm',
  'add',
  'globalAveragePool',
];

export function isOperation(meaning: Meaning | undefined): meaning is Operation {
  return meaning !== undefined && operationKinds.includes(meaning.kind);
}
