import type { LayerSummary } from '../../layers/layer.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import type { Graph } from './graph.ts';
import type { Item, Reading } from './reading.ts';

/** What writing a layer needs. */
export interface Writing<A extends object> {
  graph: Graph;
  layer: LayerSummary<A>;
  /** Names of what it reads. */
  inputs: string[];
  /** One of the layer's variables, e.g. 'weights'; undefined where it has none of this name. */
  variable(name: string): Tensor | undefined;
  /** The maps that were flattened into what the layer reads, if they were. */
  maps: number[] | undefined;
}

/** How an operator of ONNX (onnx.ai/onnx/operators) is read. */
export interface Operator {
  /** undefined: these inputs or attributes make it another layer's, or no layer's. */
  read(reading: Reading): Item | undefined;
  /** Whether the node that follows has been read with it, and is left out. */
  takesNext?(reading: Reading): boolean;
}

/** How one kind of layer is spelled in ONNX. */
export interface OnnxFormat<A extends object> {
  /** @returns the name of the layer's output, which is the layer's name. */
  write(writing: Writing<A>): string;
  /** By the names of ONNX's operators. */
  read: Record<string, Operator>;
}
