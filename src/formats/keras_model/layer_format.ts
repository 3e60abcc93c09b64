import type { LayerSummary } from '../../layers/layer.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import type { NetworkBuilder, Value } from '../network_builder.ts';
import type { Operand } from './calls.ts';

/** A layer in files of Keras and TensorFlow.js; its class and settings are those of keras.io/api/layers. */
export interface KerasLayer {
  className: string;
  name: string;
  config: Record<string, unknown>;
  /** Names of the layers that it reads. */
  inputs: string[];
  /** What it is called with, numbers included; absent: its inputs alone. */
  operands?: Operand[];
}

/** A layer of a file that is read. Models within models have been taken apart: its name is <model> > <layer> then. */
export interface FoundLayer extends KerasLayer {
  /** Its name within its model. */
  ownName: string;
  /** The models that it is in, the outermost first. */
  within: string[];
  /** The groups that hold its weights in Keras 3's files, one within the other. */
  groups: string[];
  /** The setting `trainable` of each of these models, and last its own. */
  trainable: boolean[];
}

/** The layer that is being read. */
export interface Reading {
  builder: NetworkBuilder;
  layer: KerasLayer;
  /** Whether the file is of Keras 3 or later; false: of an earlier version or of TensorFlow.js; undefined: not known. */
  isKeras3: boolean | undefined;
  /** One of its weights by Keras's name, e.g. 'kernel'. */
  weight(name: string): Tensor | undefined;
}

/** How one of Keras's classes is read. */
export interface KerasClass {
  /** Keras's names for its weights, in Keras's order; absent: it has none. */
  weights?(config: Record<string, unknown>): string[];
  read(reading: Reading, inputs: [Value, ...Value[]]): Value;
}

/** What a library lacks, by the format that it reads. */
export type Lacking = Partial<Record<'keras' | 'tfjs', string>>;

/** The part of a Keras layer that depends on its kind. */
export interface Written {
  className: string;
  config: Record<string, unknown>;
  /** Keras's names for its weights, in Keras's order, with the names of our variables. */
  weights?: Record<string, string>;
  /** What of it Keras or TensorFlow.js lack, so that they cannot load it, e.g. { tfjs: 'grouped convolutions' }. */
  lacking?: Lacking;
  /** The layers without weights that stand for it in TensorFlow.js, the last with its name; absent: it has the layer. */
  inTfjs?: (layer: KerasLayer) => KerasLayer[];
}

/** How one kind of layer is written to and read from Keras's files. */
export interface KerasFormat<A extends object> {
  write(layer: LayerSummary<A>): Written;
  /** Keyed by the names of Keras's classes. */
  read: Record<string, KerasClass>;
  /** The attributes of an activation, keyed by the names that Keras's setting `activation` takes. */
  activations?: Record<string, A>;
  /** The same, for names that before Keras 3, and in TensorFlow.js, mean that function of its input times a factor. */
  activationsOfKeras3?: Record<string, { attributes: A; factorBefore: number }>;
}
