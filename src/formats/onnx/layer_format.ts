import type { LayerSummary } from '../../layers/layer.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import type { Graph } from './graph.ts';
import type { Item, Reading } from './reading.ts';

/** The layer that is being written. */
export interface Writing<A extends object> {
  graph: Graph;
  layer: LayerSummary<A>;
  /** Names of its inputs in the graph. */
  inputs: string[];
  /** Their shapes, without the batch: [height, width, channels] or [features]. */
  inputShapes: number[][];
  /** One of the layer's variables, e.g. 'weights'; undefined where it has none of this name. */
  variable(name: string): Tensor | undefined;
  /** The shape [height, width, channels] of the maps that were flattened into the layer's input, if they were. */
  maps: number[] | undefined;
}

/** How one of ONNX's operators (onnx.ai/onnx/operators) is read. */
export interface Operator {
  /** undefined: with these inputs or attributes, the node is not this kind of layer. */
  read(reading: Reading): Item | undefined;
  /** Whether the next node was read along with this one and must be skipped. */
  takesNext?(reading: Reading): boolean;
}

/** How one kind of layer is written to and read from ONNX. */
export interface OnnxFormat<A extends object> {
  /** Adds the layer's nodes. @returns the name of its output, which is the layer's name. */
  write(writing: Writing<A>): string;
  /** Keyed by the names of ONNX's operators. */
  read: Record<string, Operator>;
}
