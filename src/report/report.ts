import { basename, dirname, join } from 'node:path';
import { type Checkpoint, findIntact, readUnknown } from '../checkpoints/index.ts';
import { reason, UserError } from '../errors.ts';
import { type CheckpointEvaluation, evaluateCheckpoint } from '../evaluation/evaluate_checkpoint.ts';
import {
  type CheckpointSetEvaluation,
  evaluateMultiLabel,
} from '../evaluation/multi_label/evaluate_checkpoint.ts';
import { validationPictures } from '../evaluation/pictures.ts';
import { describeRemadeData } from '../evaluation/remade_data.ts';
import { findPictures } from '../images/find.ts';
import { findGeneratedInData } from '../images/generated.ts';
import { loadPredictor } from '../predict/load_predictor.ts';
import { listRuns, readRun } from '../runs/list.ts';
import { writeFileAtomically } from '../system/files.ts';
import type { ReportContents } from './contents.ts';
import { drawHeatMaps } from './heat_maps.ts';
import { reportPage } from './report_page.ts';
import { spread } from './sections/data.ts';
import { heatMapClass } from './sections/set_evaluation.ts';

/** Options of {@link writeReport}. */
export interface ReportOptions {
  /** Folder of the run. */
  run: string;
  /** HTML file to write. */
  output: string;
  /** Folder of the pictures; default: the one that was trained on. */
  data?: string | undefined;
  /** Seed of the confidence intervals; default: that of the run. */
  seed?: number | undefined;
  /** Called after each validation picture with the number of pictures so far. */
  onProgress?: (done: number) => void;
  /** Called with a warning, such as a damaged best checkpoint; default: `process.emitWarning`. */
  notice?: (text: string) => void;
}

/** The result of {@link writeReport}. */
export interface ReportResult {
  /** The file that was written. */
  output: string;
  /** Folder of the checkpoint that the report is about. */
  checkpoint: string;
  /** Size of the file. */
  bytes: number;
  /** On the validation pictures, or why there is none. */
  evaluation: ReportContents['evaluation'];
}

const topLosses = 12;
const samplesPerClass = 6;

/**
 * Writes a report of a run as one HTML file: an evaluation of its best checkpoint on the validation pictures, training
 * curves, the network and how to reproduce it. The engine must have been started.
 * @throws {UserError} where the run has no checkpoint, or the file cannot be written.
 * @example
 * ```ts
 * import { listRuns, startEngine, writeReport } from 'bat-sup';
 *
 * const engine = await startEngine('wasm', { threads: 1 });
 * const [run] = await listRuns('checkpoints');
 * const { output, bytes } = await writeReport({ run: `checkpoints/${run?.name}`, output: 'report.html' });
 * console.log(output, bytes);
 * await engine.dispose();
 * ```
 */
export async function writeReport(options: ReportOptions): Promise<ReportResult> {
  const contents = await gather(options);
  const page = await reportPage(contents);
  await writeFileAtomically(options.output, page).catch((error) => {
    throw new UserError(
      `${options.output} cannot be written (${reason(error)}); name another with --output.`,
    );
  });
  const { checkpoint, evaluation } = contents;
  return {
    output: options.output,
    checkpoint: checkpoint.folder,
    bytes: Buffer.byteLength(page),
    evaluation,
  };
}

async function gather(options: ReportOptions): Promise<ReportContents> {
  const { run, notice = (text) => process.emitWarning(text) } = options;
  const checkpoint = await findIntact(run, 'best', ['weights.bin'], notice);
  const files = await readRun(run);
  const [summary] = await listRuns(dirname(run), [basename(run)]);
  if (!files || !summary) throw new UserError(`${run} is not a run; "bat-sup runs" lists the runs.`);
  const data = options.data ?? files.record?.sessions.at(-1)?.settings.data ?? 'data';
  const remade = await describeRemadeData(checkpoint, options.data);
  if (remade) notice(remade);
  const evaluation = await evaluateHeldBack(checkpoint, options);
  const samples = await findSamples(data, checkpoint);
  const predictor = await loadPredictor(checkpoint.folder);
  const { layers } = predictor;
  const heatMaps = await drawHeatMaps(predictor, classesToDraw(evaluation)).finally(() =>
    predictor.dispose(),
  );
  const unknown = await readUnknown(checkpoint);
  return { ...files, summary, checkpoint, layers, samples, evaluation, heatMaps, unknown };
}

/** The pictures with the highest losses, and the class of each that is answered. */
function classesToDraw(evaluation: ReportContents['evaluation']): { file: string; class: string }[] {
  if ('missing' in evaluation) return [];
  if ('accuracy' in evaluation)
    return evaluation.topLosses.map(({ file, predicted }) => ({ file, class: predicted }));
  return evaluation.topLosses.flatMap((one) => {
    const name = heatMapClass(one);
    return name === undefined ? [] : [{ file: one.file, class: name }];
  });
}

async function evaluateHeldBack(
  checkpoint: Checkpoint,
  { data, seed = checkpoint.manifest.training.seed, onProgress = () => {} }: ReportOptions,
): Promise<ReportContents['evaluation']> {
  const evaluating = async (): Promise<CheckpointEvaluation | CheckpointSetEvaluation> => {
    const pictures = await validationPictures(checkpoint, data);
    if (checkpoint.manifest.model.isMultiLabel)
      return evaluateMultiLabel(checkpoint, pictures, { topLosses, onProgress });
    return evaluateCheckpoint(checkpoint, pictures, { calibrate: false, seed, topLosses, onProgress });
  };
  try {
    return (await evaluating()).evaluation;
  } catch (error) {
    if (error instanceof UserError) return { missing: error.message };
    throw error;
  }
}

/** Finds pictures to show, no augmented copies; none where the folder no longer exists. */
async function findSamples(data: string, { manifest }: Checkpoint): Promise<ReportContents['samples']> {
  const { classes } = await findPictures(data).catch(() => ({ classes: [] }));
  const known = classes.filter(({ name }) => manifest.model.classes.includes(name));
  const paths = known.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  const generated = await findGeneratedInData(data, paths);
  return known.map(({ name, pictures }) => {
    const sources = pictures.filter((picture) => !generated.has(`${name}/${picture}`));
    return { class: name, files: spread(join(data, name), sources, samplesPerClass) };
  });
}
