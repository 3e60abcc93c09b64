import type { CheckpointInfo } from '../checkpoints/index.ts';
import type { LayerSummary } from '../layers/index.ts';
import type { NamedTensor } from '../tensors/tensors.ts';

/** A trained network as every format sees it: plain data, no tensors of an engine. */
export interface Network extends Pick<CheckpointInfo, 'model' | 'preprocessing'> {
  /** In the order in which they compute; the last one gives the logits. */
  layers: LayerSummary[];
  /** By variable name, e.g. 'conv1/weights'. */
  weights: Map<string, NamedTensor>;
  /** Softmax divides the logits by it; 1 where the network has not been calibrated. */
  temperature: number;
  /** Of an imported network. */
  assumed?: Assumed[];
  /** Adam's steps so far and its two moments by variable name, where they came with an imported network. */
  optimizer?: { step: number; m: Map<string, NamedTensor>; v: Map<string, NamedTensor> };
}

export const weightTypes = ['float32', 'float16', 'int8'] as const;
/** How the weights are stored; biases stay float32 with int8. */
export type WeightType = (typeof weightTypes)[number];

export interface ExportOptions {
  weights: WeightType;
  /** 'inside': what is written reads pixels, 0..255; 'outside': it reads pixels times the preprocessing's scale. */
  preprocessing: 'inside' | 'outside';
}

/** What the importer was told about a file that may not say it. */
export interface ImportHints {
  /** Pixels. */
  width: number;
  height: number;
  /** What the network's input is: a pixel, 0..255, times this. */
  scale?: number | undefined;
}

/** What an imported file does not say, so that it had to be assumed. */
export type Assumed = 'scale' | 'order' | 'size';

/** What `bat-sup export --format` and `bat-sup import` know of one format. */
export interface Format {
  /** A few words for the help, e.g. 'TensorFlow 1: .meta, .index and .data files'. */
  description: string;
  /** Where export writes unless told: a name with an ending is one file, else a folder, e.g. 'model.onnx'. */
  output: string;
  /** How it can store weights; float32 only where absent. */
  weights?: readonly WeightType[];
  /** Why not as all types, for the one who asks for another, e.g. 'Keras has no convolutions of int8'. */
  whyNotAll?: string;
  /** Whether a network may read BGR; without it, it is given reading RGB. */
  readsBgr?: boolean;
  /** What to do with what was written, in a few words. */
  next?(output: string): string;
  /** Whether the preprocessing can be left outside. */
  preprocessing?: boolean;
  /**
   * Writes a file or a folder at `target`, which is not there yet and has a temporary name; its parent is there.
   * @throws {UserError} where the format cannot express the network.
   */
  export?(network: Network, target: string, options: ExportOptions): Promise<void>;
  /**
   * Reads a network that a file or folder holds. Nothing in it is trusted.
   * Class names and preprocessing are the format's usual ones where the source does not tell them.
   * @throws {UserError} where it is damaged, or holds what bat-sup has no layer for.
   */
  import?(source: string, hints: ImportHints): Promise<Network>;
  /** Whether a file or folder is of this format, by a short look at its content. */
  recognises?(source: string): Promise<boolean>;
}
