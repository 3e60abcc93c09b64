import type { CheckpointInfo } from '../checkpoints/index.ts';
import type { LayerSummary } from '../layers/index.ts';
import type { NamedTensor } from '../tensors/tensors.ts';
import type { Rejection } from '../unknown/rejection.ts';

/** A trained network as formats read and write it: plain data, without an engine's tensors. */
export interface Network extends Pick<CheckpointInfo, 'model' | 'preprocessing' | 'thresholds'> {
  /** In the order in which they are computed; the output of the last is the logits [batch, classes]. */
  layers: LayerSummary[];
  /** By variable name, e.g. 'conv1/weights'. */
  weights: Map<string, NamedTensor>;
  /**
   * Above 0: softmax(logits / temperature) are the calibrated probabilities; 1 where it has not been calibrated, and where
   * sigmoids of the logits are the probabilities (`model.isMultiLabel`).
   */
  temperature: number;
  /** Where it answers "unknown" for pictures of no class: what it does so by. Few formats hold it. */
  rejection?: Rejection;
  /** What an imported file did not say. */
  assumed?: Assumed[];
  /** Sentences about what was chosen in an imported file, for the user. */
  notes?: string[];
  /** Adam's steps so far and its two moments by variable name, where they came with an imported network. */
  optimizer?: { step: number; m: Map<string, NamedTensor>; v: Map<string, NamedTensor> };
}

export const weightTypes = ['float32', 'float16', 'int8'] as const;
/** How the weights are stored; biases stay float32 with int8. */
export type WeightType = (typeof weightTypes)[number];

export interface ExportOptions {
  weights: WeightType;
  /**
   * The input of the exported file. 'inside': pixels, 0..255; 'outside': pixels that are scaled, and normalised by mean and
   * deviation, already.
   */
  preprocessing: 'inside' | 'outside';
}

/** What the user knows about a file that does not say it itself. */
export interface ImportHints {
  /** Pixels; absent: not known. */
  width?: number | undefined;
  height?: number | undefined;
  /** The network's input is pixels, 0..255, times this. */
  scale?: number | undefined;
  /** Subtracted from the scaled pixels: one per channel, in the order of the input's channels, or one for all. */
  mean?: number[] | undefined;
  /** Divides what is left then: one per channel, or one for all. */
  deviation?: number[] | undefined;
  /** The order of the channels of the file's input. */
  order?: 'rgb' | 'bgr' | undefined;
  /** Which network a state_dict is of, by torchvision's or timm's name, where its tensors fit several. */
  networkName?: string | undefined;
  /** Whether the network may end in features, or in one output, instead of one for each of two or more classes; default false. */
  features?: boolean | undefined;
}

/** Width and height in pixels where neither the file nor the user gives them: those of the article's pictures. */
export const defaultSize = { width: 100, height: 100 };

/** A property that an imported file does not state, so that it had to be assumed. */
export type Assumed = 'scale' | 'order' | 'size' | 'preparation';

/** One format of `bat-sup export --format` and `bat-sup import`. */
export interface Format {
  /** A few words for the help, e.g. 'TensorFlow 1: .meta, .index and .data files'. */
  description: string;
  /** Default path of an export, e.g. 'model.onnx'; without an extension it is a folder. */
  output: string;
  /** The types in which it can store weights; default: float32 only. */
  weights?: readonly WeightType[];
  /** Why it lacks some of the types, for the message that refuses them, e.g. 'Keras has no convolutions of int8'. */
  whyNotAll?: string;
  /** Whether it can hold networks that read BGR; without it, they are converted to RGB first. */
  readsBgr?: boolean;
  /** Whether it can answer "unknown" for pictures of no class; default: it holds the network alone. */
  rejects?: boolean;
  /** How to use the exported file, in a few words. */
  next?(output: string): string;
  /** Whether it supports preprocessing: 'outside'. */
  preprocessing?: boolean;
  /**
   * Writes a file or a folder at `target`, a temporary path that does not exist yet, in a folder that does.
   * @throws {UserError} where the format cannot express the network.
   */
  export?(network: Network, target: string, options: ExportOptions): Promise<void>;
  /**
   * Reads the network in a file or folder, which may be hostile: nothing in it is trusted.
   * Class names and preprocessing that the source does not state get defaults.
   * @throws {UserError} where it is damaged, or holds what bat-sup has no layer for.
   */
  import?(source: string, hints: ImportHints): Promise<Network>;
  /** Whether a file or folder has this format, judged by its name and first bytes. */
  recognises?(source: string): Promise<boolean>;
}
