import type { LayerSummary } from '../layers/index.ts';
import type { ArchitectureName } from './index.ts';

/** What a network is made for; kept in its checkpoints. */
export interface ModelDescription {
  /** A label once `layers` are there; 'layers': an imported network of none of the named architectures. */
  architecture: ArchitectureName | 'layers';
  /** Pixels. */
  width: number;
  height: number;
  channels: 1 | 3;
  classes: string[];
  /** The network as it computes in inference; absent before it is made, and in checkpoints of older versions. */
  layers?: LayerSummary[];
}
