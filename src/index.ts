/** bat-sup as a library: the layers, the networks, and everything the commands do. */
export { type AugmentOptions, type AugmentReport, augmentAll, cleanAugmented } from './augment/augment.ts';
export { type Preview, previewAugment } from './augment/preview.ts';
export type { OperationName, OperationSetting } from './augment/registry.ts';
export {
  type Backbone,
  type BackboneName,
  backboneFolder,
  backbones,
  findBackbone,
  type InstallEvents,
  installBackbone,
  removeBackbone,
} from './backbones/index.ts';
export { type CheckOptions, type CheckReport, checkAll } from './check/check.ts';
export type { Finding } from './check/kinds.ts';
export { quarantine, restore } from './check/quarantine.ts';
export { type CheckpointDifference, diffCheckpoints } from './checkpoints/diff.ts';
export { findCheckpoint, type Manifest, verifyCheckpoint } from './checkpoints/index.ts';
export { type Pruned, type PruneOptions, pruneCheckpoints } from './checkpoints/prune.ts';
export { type ListedCheckpoint, surveyCheckpoints } from './checkpoints/survey.ts';
export {
  type CollectOptions,
  type CollectReport,
  collect,
  collectDefaults,
} from './collect/collect.ts';
export { readCredits } from './collect/credits.ts';
export { type Config, readSettings, type Settings, settingsInForce } from './config/index.ts';
export { type Engine, type EngineName, startEngine } from './engine/index.ts';
export { UsageError, UserError } from './errors.ts';
export { type EvaluateOptions, type Evaluation, evaluate } from './evaluation/evaluate.ts';
export { type CheckpointEvaluation, evaluateCheckpoint } from './evaluation/evaluate_checkpoint.ts';
export type { SetEvaluation } from './evaluation/multi_label/evaluate.ts';
export {
  type CheckpointSetEvaluation,
  evaluateMultiLabel,
} from './evaluation/multi_label/evaluate_checkpoint.ts';
export { labelSetsInFile, labelSetsInFolders } from './evaluation/multi_label/pictures.ts';
export { type LabelledPicture, picturesOf, validationPictures } from './evaluation/pictures.ts';
export { type ExplainOptions, type Explanation, explain } from './explain/explain.ts';
export { type ExplainAllOptions, type Explained, explainAll } from './explain/explain_all.ts';
export { type FeatureMaps, featureMaps } from './explain/feature_maps.ts';
export { drawOverlay, enlargementFor } from './explain/overlay.ts';
export { drawSheet } from './explain/sheet.ts';
export { exportNetwork } from './formats/export.ts';
export { importNetwork } from './formats/import.ts';
export { type Format, formats, type Network } from './formats/index.ts';
export { networkOf, saveImported } from './formats/network.ts';
export { UnreadablePicture } from './images/decode.ts';
export { type ResizeOptions, type ResizeReport, resizeAll } from './images/resize.ts';
export { moveBack, moveToClasses, type Relabelled } from './labels/move.ts';
export * from './layers/index.ts';
export { type Architecture, architectures } from './models/index.ts';
export { createModel, type Model, type ModelDescription } from './models/model.ts';
export {
  type Answer,
  type LoadOptions,
  loadModel,
  type Picture,
  type PictureModel,
  type PredictOptions,
} from './predict/load_model.ts';
export { loadPredictor } from './predict/load_predictor.ts';
export type { Activation, Predictor } from './predict/predictor.ts';
export { type ReportOptions, type ReportResult, writeReport } from './report/report.ts';
export { differingSettings, listRuns, type RunSummary } from './runs/list.ts';
export {
  findLearningRate,
  type LearningRateSearch,
  type RangeTest,
} from './training/find_learning_rate.ts';
export type { TrainingEvents, TrainingOptions, TrainingResult } from './training/options.ts';
export { train } from './training/train.ts';
