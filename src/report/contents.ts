import type { Checkpoint, UnknownOfCheckpoint } from '../checkpoints/index.ts';
import type { Evaluation } from '../evaluation/evaluate.ts';
import type { SetEvaluation } from '../evaluation/multi_label/evaluate.ts';
import type { LayerSummary } from '../layers/index.ts';
import type { RunFiles, RunSummary } from '../runs/list.ts';

/** Everything in a report; each section picks what it shows. */
export interface ReportContents extends RunFiles {
  summary: RunSummary;
  /** The checkpoint that the report is about. */
  checkpoint: Checkpoint;
  layers: LayerSummary[];
  /** Paths of a few pictures of each class. */
  samples: { class: string; files: string[] }[];
  /** On the validation pictures, or why there is none. */
  evaluation: Evaluation | SetEvaluation | { missing: string };
  /** What the checkpoint answers "unknown" by; absent where it answers a class for every picture. */
  unknown?: UnknownOfCheckpoint | undefined;
  /** Grad-CAM of the pictures with the highest losses: data URLs by the pictures' paths. */
  heatMaps: Map<string, string>;
}
