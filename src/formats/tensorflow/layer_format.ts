import type { LayerSummary } from '../../layers/layer.ts';
import type { GraphNode, Match } from './meanings.ts';
import type { AttrValue, TensorMessage } from './messages.ts';

export interface NodeOptions {
  /** Default: that of the op, e.g. 'Conv2D'. */
  name?: string;
  attributes?: Record<string, AttrValue> | undefined;
  /** The output's, which TensorBoard shows. */
  shape?: number[];
}

/** Where a layer puts its nodes. A node is given by its name. */
export interface LayerGraph {
  /**
   * Adds an operation on float32.
   * @param options its shape is without the batch, and by default the layer's.
   */
  add(op: string, inputs: string[], options?: NodeOptions): string;
  /** Adds a tensor that the graph holds itself. */
  constant(name: string, tensor: TensorMessage): string;
  /** Adds a Reshape to [batch, ...shape]. */
  reshape(input: string, shape: number[]): string;
}

/** What a layer writes its nodes from. */
export interface Writing<A extends object> {
  graph: LayerGraph;
  layer: LayerSummary<A>;
  /** The outputs of the layers that it reads. */
  inputs: [string, ...string[]];
  /** Their shapes, without the batch: [height, width, channels] or [features]. */
  inputShapes: number[][];
  /** The values of its variables and its state, by their names within the layer, e.g. 'weights'. */
  variables: Record<string, string>;
  /** Whether it is the graph of a training, which TensorBoard shows; otherwise that of an exported network. */
  isTraining: boolean;
}

/** How TensorFlow's graphs spell a layer: checkpoints, SavedModels and TensorBoard's graph. */
export interface TensorFlowFormat<A extends object> {
  /** Adds the layer's nodes. @returns the one that gives its output. */
  write(writing: Writing<A>): string;
  /**
   * By the op of the last node of those that are the layer, e.g. 'Conv2D'. The node leads back to the others; undefined:
   * it is not this layer. Where several layers have the same op, the first that matches is read.
   */
  read: Record<string, (node: GraphNode) => Match | undefined>;
}
