export { drawConfusionMatrix } from './drawings/confusion_matrix.ts';
export { drawFilters } from './drawings/filters.ts';
export { encodePicture } from './drawings/picture.ts';
export { type EventWriter, openEventWriter } from './event_writer.ts';
export { maxPoints, thumbnails, writeEmbedding } from './projector.ts';
export { histogramSummary } from './summaries/histogram.ts';
export {
  experimentSummary,
  type HparamValue,
  type Metric,
  sessionEndSummary,
  sessionStartSummary,
} from './summaries/hparams.ts';
export { imageSummary } from './summaries/image.ts';
export { prCurveSummary } from './summaries/pr_curve.ts';
export { scalarSummary } from './summaries/scalar.ts';
export { markdownTable, textSummary } from './summaries/text.ts';
