import type { Tensor } from '../../tensors/tensors.ts';
import type { NetworkBuilder, Value } from '../network_builder.ts';
import type { AttrValue, TensorMessage } from './messages.ts';

/** What the nodes of a TensorFlow graph can mean to a network of bat-sup's layers. */

/** A variable, whose values the checkpoint holds. */
export interface Variable {
  kind: 'variable';
  name: string;
  shape: number[];
  /** One of dataTypes. */
  type: number;
  /** Factors of the last axis: those of weights that were rounded to int8. */
  scale?: Variable;
  /** Its values, where the graph holds them itself. */
  tensor?: TensorMessage;
}

/** What making a layer needs. */
export interface Reading {
  builder: NetworkBuilder;
  /** Where it stands in the graph, for messages. */
  where: string;
  /** The values of the match's variables, by the names that it gives them. */
  tensors: Record<string, Tensor>;
}

/** Nodes that are a layer: the last of them, which gives the layer's output, was matched with those before it. */
export interface Match {
  inputs: Operation[];
  /** What it reads from the checkpoint, the weights first. */
  variables?: Record<string, Variable | undefined>;
  /** Whether its output is [batch, features]; by default where the layer is elementwise and all inputs are. */
  isFlat?: boolean;
  /** Puts the layer into the network that is being built. */
  make(reading: Reading, inputs: [Value, ...Value[]]): Value;
}

/** A step from the pictures to the logits: a layer, or what is done to the pixels before the first one. */
export interface Operation extends Match {
  kind: 'operation';
  /** The node that gives its output. */
  node: string;
  isFlat: boolean;
  /** Whether it only averages or reshapes the logits that it reads, so that its output are logits too. */
  keepsLogits?: boolean;
  /** Where it is not a layer: the pictures, their channels reversed, times a number, times numbers plus numbers. */
  preprocessing?: 'pictures' | 'reverse' | 'multiply' | 'normalise';
}

/** It depends on the pictures in a way that bat-sup has no layer for. */
export interface Unknown {
  kind: 'unknown';
  node: string;
  op: string;
}

/** A short tensor that the graph holds itself: a shape, axes, factors. */
export interface Constant {
  kind: 'constant';
  values: number[];
  shape: number[];
  /** The same as weights, where it holds floats. */
  weights?: Variable;
}

/** It depends on random numbers, as dropout does. */
export interface Random {
  kind: 'random';
}

/** A list of numbers not all of which are known, e.g. a shape with the size of the batch. */
export interface Packed {
  kind: 'packed';
  /** undefined: not known. */
  values: (number | undefined)[];
}

export type Meaning = Operation | Variable | Constant | Random | Packed | Unknown;

/** A node of a graph, with all that leads to it. Nodes that only pass their input on are left out of these chains. */
export interface GraphNode {
  name: string;
  /** e.g. 'Conv2D' */
  op: string;
  attributes: ReadonlyMap<string, AttrValue>;
  /** undefined: it is not in the graph before this node, or not the first output of its node. */
  inputs: (GraphNode | undefined)[];
  /** undefined: nothing that depends on the pictures. */
  meaning: Meaning | undefined;
}

const ofKind =
  <K extends Meaning['kind']>(kind: K) =>
  (node: GraphNode | undefined): Extract<Meaning, { kind: K }> | undefined =>
    node?.meaning?.kind === kind ? (node.meaning as Extract<Meaning, { kind: K }>) : undefined;

/** The node's meaning, where it is of this kind. */
export const operationOf = ofKind('operation');
export const constantOf = ofKind('constant');
export const unknownOf = ofKind('unknown');
export const isRandom = (node: GraphNode | undefined) => node?.meaning?.kind === 'random';

/** A node's weights: a variable, or floats that the graph holds itself. */
export function variableOf(node: GraphNode | undefined): Variable | undefined {
  const meaning = node?.meaning;
  if (meaning?.kind === 'variable') return meaning;
  return meaning?.kind === 'constant' ? meaning.weights : undefined;
}

/** The numbers of a constant or packed list, as far as they are known. */
export function numbersOf(node: GraphNode | undefined): (number | undefined)[] | undefined {
  const meaning = node?.meaning;
  return meaning?.kind === 'packed' || meaning?.kind === 'constant' ? meaning.values : undefined;
}

/** How many numbers a constant or packed list has; 0 for anything else. */
export function lengthOf(node: GraphNode | undefined): number {
  return numbersOf(node)?.length ?? 0;
}
