import type { CheckpointInfo, NamedTensor } from '../checkpoints/index.ts';
import type { LayerSummary } from '../model_tools/index.ts';

/** A trained network as every format sees it: plain data, no tensors of an engine. */
export interface Network extends Pick<CheckpointInfo, 'model' | 'preprocessing'> {
  /** In the order in which they compute; the last one gives the logits. */
  layers: LayerSummary[];
  /** By variable name, e.g. 'conv1/weights'. */
  weights: Map<string, NamedTensor>;
}
