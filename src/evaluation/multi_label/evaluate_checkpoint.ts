import { type Checkpoint, saveThresholds } from '../../checkpoints/index.ts';
import type { World } from '../../cluster/index.ts';
import { UserError } from '../../errors.ts';
import { loadPredictor } from '../../predict/load_predictor.ts';
import { collectAnswers, type Unreadable } from '../collect_answers.ts';
import type { LabelledPicture } from '../pictures.ts';
import { evaluateSets, type SetAnswers, type SetEvaluation } from './evaluate.ts';
import { scoresByClass } from './scores.ts';
import { chooseThreshold, mostPreciseThreshold } from './thresholds.ts';

/** The result of {@link evaluateMultiLabel}. */
export interface CheckpointSetEvaluation {
  evaluation: SetEvaluation;
  /** The predictions that the evaluation was computed from. */
  answers: SetAnswers;
  /** Pictures that could not be decoded; the evaluation leaves them out. */
  unreadable: Unreadable[];
  /** Classes that have no threshold with the precision that was asked for. */
  missed: string[];
}

/** Options of {@link evaluateMultiLabel}. */
interface Options {
  /** Chooses the thresholds of the classes for this precision on these pictures, 0..1, and stores them with the checkpoint. */
  minPrecision?: number | undefined;
  /** How many of the pictures with the highest losses to list. */
  topLosses: number;
  /** Called after each picture with the number of pictures so far. */
  onProgress?: (done: number) => void;
  /** Ranks that share the work: this one must be rank 0, the others call `helpEvaluate`. */
  world?: World | undefined;
}

/**
 * Evaluates a checkpoint whose classes do not exclude each other on labelled pictures that it was not trained on. The engine
 * must have been started.
 * @param pictures validationPictures, {@link labelSetsInFolders} and {@link labelSetsInFile} find some.
 * @throws {UserError} where none of the pictures can be read, or the checkpoint is damaged or was trained without --multi-label.
 * @example
 * ```ts
 * import { evaluateMultiLabel, findCheckpoint, readSettings, startEngine, train, validationPictures } from 'bat-sup';
 *
 * const settings = await readSettings({ multiLabel: 'on', epochs: 1, batchSize: 4, engine: 'wasm' });
 * const engine = await startEngine(settings.engine, settings);
 * await train({ settings, run: 'checkpoints/several', engine });
 * const checkpoint = await findCheckpoint('checkpoints/several');
 * const pictures = await validationPictures(checkpoint);
 * const { evaluation } = await evaluateMultiLabel(checkpoint, pictures, { topLosses: 3 });
 * console.log(evaluation.meanAveragePrecision, evaluation.micro.f1, evaluation.classes[0]?.threshold);
 * await engine.dispose();
 * ```
 */
export async function evaluateMultiLabel(
  checkpoint: Checkpoint,
  pictures: LabelledPicture[],
  { minPrecision, topLosses, onProgress, world }: Options,
): Promise<CheckpointSetEvaluation> {
  if (!checkpoint.manifest.model.isMultiLabel)
    throw new UserError(
      `${checkpoint.folder} was trained without --multi-label; evaluateCheckpoint has its metrics.`,
    );
  const predictor = await loadPredictor(checkpoint.folder);
  const collecting = collectAnswers(predictor, pictures, onProgress, world);
  const { answers: plain, unreadable } = await collecting.finally(() => predictor.dispose());
  if (plain.labels.length === 0) {
    const [first] = unreadable;
    throw new UserError(`None of the pictures can be read. The first is ${first?.file}: ${first?.reason}.`);
  }
  const answers: SetAnswers = {
    ...plain,
    labelSets: plain.labelSets ?? plain.labels.map((label) => [label]),
  };
  const { classes, logits, labelSets } = answers;
  if (minPrecision === undefined) {
    const evaluation = evaluateSets(answers, predictor.thresholds as number[], { topLosses });
    return { evaluation, answers, unreadable, missed: [] };
  }
  const scores = scoresByClass(logits, labelSets, classes.length);
  const chosen = scores.map((one) => chooseThreshold(one, minPrecision));
  const thresholds = scores.map((one, label) => chosen[label] ?? mostPreciseThreshold(one));
  await saveThresholds(checkpoint.folder, { thresholds, minPrecision, pictures: labelSets.length });
  return {
    evaluation: evaluateSets(answers, thresholds, { topLosses }),
    answers,
    unreadable,
    missed: classes.filter((_, label) => chosen[label] === undefined),
  };
}
