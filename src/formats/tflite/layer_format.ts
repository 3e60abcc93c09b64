import type { LayerSummary } from '../../layers/layer.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import type { Graph } from './graph.ts';

/** The layer that is being written. */
export interface Writing<A extends object> {
  graph: Graph;
  layer: LayerSummary<A>;
  /** Indices of its inputs among the model's tensors. */
  inputs: number[];
  /** Their shapes, without the batch: [height, width, channels] or [features]. */
  inputShapes: number[][];
  /** One of the layer's variables, e.g. 'weights'; undefined where it has none of this name. */
  variable(name: string): Tensor | undefined;
}

/**
 * How one kind of layer is written to LiteRT; the codes of operators and options are those of
 * tensorflow/compiler/mlir/lite/schema/schema.fbs.
 */
export interface TfliteFormat<A extends object> {
  /** Adds the layer's operators. @returns the index of its output. */
  write(writing: Writing<A>): number;
}
