import type { LayerSummary } from '../layers/index.ts';
import type { ArchitectureName } from './index.ts';

/** A network's input, classes and layers; saved in its checkpoints. */
export interface ModelDescription {
  /** Only a label where `layers` are present; 'layers': an imported network that is not one of the named architectures. */
  architecture: ArchitectureName | 'layers';
  /** Pixels. */
  width: number;
  height: number;
  channels: 1 | 3;
  classes: string[];
  /** Whether a picture can show several classes, or none: their probabilities are sigmoids of the logits, not a softmax. */
  isMultiLabel?: true;
  /** The layers in inference; absent before the network is created, and in checkpoints of older versions. */
  layers?: LayerSummary[];
}
