import type { LayerSummary } from '../../layers/layer.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import type { Graph } from './graph.ts';

/** What writing a layer needs. */
export interface Writing<A extends object> {
  graph: Graph;
  layer: LayerSummary<A>;
  /** Indices of the tensors that it reads. */
  inputs: number[];
  /** One of the layer's variables, e.g. 'weights'; undefined where it has none of this name. */
  variable(name: string): Tensor | undefined;
}

/**
 * How one kind of layer is spelled in LiteRT; the codes of operators and of their options are those of
 * tensorflow/compiler/mlir/lite/schema/schema.fbs.
 */
export interface TfliteFormat<A extends object> {
  /** @returns the index of the layer's output. */
  write(writing: Writing<A>): number;
}
