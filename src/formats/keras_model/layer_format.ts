import type { LayerSummary } from '../../layers/layer.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import type { NetworkBuilder, Value } from '../network_builder.ts';

/** A layer as Keras's and TensorFlow.js's files have it; classes and settings are those of keras.io/api/layers. */
export interface KerasLayer {
  className: string;
  name: string;
  config: Record<string, unknown>;
  /** Names of the layers that it reads. */
  inputs: string[];
}

/** What reading a layer needs. */
export interface Reading {
  builder: NetworkBuilder;
  layer: KerasLayer;
  /** One of its weights by Keras's name, e.g. 'kernel'. */
  weight(name: string): Tensor | undefined;
}

/** How a class of Keras is read. */
export interface KerasClass {
  /** Keras's names for its weights, in Keras's order; none where absent. */
  weights?(config: Record<string, unknown>): string[];
  read(reading: Reading, inputs: [Value, ...Value[]]): Value;
}

/** A layer as Keras has it, without what every layer has. */
export interface Written {
  className: string;
  config: Record<string, unknown>;
  /** Keras's names for its weights, in Keras's order, with the names of our variables. */
  weights?: Record<string, string>;
  /** Whether TensorFlow.js cannot load it. */
  isUnknownToTfjs?: true;
}

/** How one kind of layer is spelled in Keras's files. */
export interface KerasFormat<A extends object> {
  write(layer: LayerSummary<A>): Written;
  /** By the names of Keras's classes. */
  read: Record<string, KerasClass>;
  /** Attributes by the names that other layers' setting `activation` has for them. */
  activations?: Record<string, A>;
}
