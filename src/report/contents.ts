import type { Checkpoint } from '../checkpoints/index.ts';
import type { Evaluation } from '../evaluation/evaluate.ts';
import type { LayerSummary } from '../model_tools/index.ts';
import type { RunFiles, RunSummary } from '../runs/list.ts';

/** Everything that a report tells; each section takes from it what it shows. */
export interface ReportContents extends RunFiles {
  summary: RunSummary;
  /** The one that is reported on. */
  checkpoint: Checkpoint;
  layers: LayerSummary[];
  /** Some pictures of each class. */
  samples: { class: string; files: string[] }[];
  /** On the pictures held back, or why there is none. */
  evaluation: Evaluation | { missing: string };
  /** Where the network saw the classes that it answered, pictures within the page, by file of the highest losses. */
  heatMaps: Map<string, string>;
}
