import { type Checkpoint, saveCalibration } from '../checkpoints/index.ts';
import type { World } from '../cluster/index.ts';
import { UserError } from '../errors.ts';
import { loadPredictor } from '../predict/load_predictor.ts';
import type { Answers } from './answers.ts';
import { collectAnswers, type Unreadable } from './collect_answers.ts';
import { type Evaluation, evaluate } from './evaluate.ts';
import type { LabelledPicture } from './pictures.ts';
import { fitTemperature, whyNotFit } from './temperature.ts';

/** The result of {@link evaluateCheckpoint}. */
export interface CheckpointEvaluation {
  evaluation: Evaluation;
  /** The predictions that the evaluation was computed from. */
  answers: Answers;
  /** Pictures that could not be decoded; the evaluation leaves them out. */
  unreadable: Unreadable[];
  /** Whether a temperature was fitted on these pictures and stored with the checkpoint. */
  fitted: boolean;
  /** Why no temperature was fitted although `calibrate` was set. */
  whyNotFitted?: string;
}

/** Options of {@link evaluateCheckpoint}. */
interface EvaluateCheckpointOptions {
  /** Fits the temperature on these pictures and stores it with the checkpoint, so that predict uses it. */
  calibrate: boolean;
  /** Seed of the bootstrap resamples. */
  seed: number;
  /** How many of the pictures with the highest losses to list. */
  topLosses: number;
  /** Called after each picture with the number of pictures so far. */
  onProgress?: (done: number) => void;
  /** Ranks that share the work: this one must be rank 0, the others call {@link helpEvaluate}. */
  world?: World | undefined;
}

/**
 * Evaluates a checkpoint on labelled pictures that it was not trained on. The engine must have been started.
 * @throws {UserError} where none of the pictures can be read, or the checkpoint is damaged.
 * @example
 * ```ts
 * import { evaluateCheckpoint, findCheckpoint, startEngine, validationPictures } from 'bat-sup';
 *
 * const engine = await startEngine('wasm', { threads: 1 });
 * const checkpoint = await findCheckpoint('checkpoints/run-001');
 * const pictures = await validationPictures(checkpoint);
 * const options = { calibrate: false, seed: 1, topLosses: 3 };
 * const { evaluation } = await evaluateCheckpoint(checkpoint, pictures, options);
 * console.log(evaluation.accuracy, evaluation.topLosses[0]?.file);
 * await engine.dispose();
 * ```
 */
export async function evaluateCheckpoint(
  checkpoint: Checkpoint,
  pictures: LabelledPicture[],
  options: EvaluateCheckpointOptions,
): Promise<CheckpointEvaluation> {
  if (checkpoint.manifest.model.isMultiLabel)
    throw new UserError(
      `${checkpoint.folder} was trained with --multi-label; evaluateMultiLabel has its metrics.`,
    );
  const predictor = await loadPredictor(checkpoint.folder);
  const collecting = collectAnswers(predictor, pictures, options.onProgress, options.world);
  const { answers, unreadable } = await collecting.finally(() => predictor.dispose());
  if (answers.labels.length === 0) {
    const [first] = unreadable;
    throw new UserError(`None of the pictures can be read. The first is ${first?.file}: ${first?.reason}.`);
  }
  const whyNotFitted = options.calibrate ? whyNotFit(answers) : undefined;
  const temperature = options.calibrate && !whyNotFitted ? fitTemperature(answers) : undefined;
  if (temperature !== undefined)
    await saveCalibration(checkpoint.folder, { temperature, pictures: answers.labels.length });
  const evaluation = evaluate(answers, { ...options, temperature: temperature ?? predictor.temperature });
  return {
    evaluation,
    answers,
    unreadable,
    fitted: temperature !== undefined,
    ...(whyNotFitted && { whyNotFitted }),
  };
}

/** Called by the other ranks while rank 0 calls {@link evaluateCheckpoint} with the same pictures. */
export async function helpEvaluate(
  world: World,
  checkpoint: Checkpoint,
  pictures: LabelledPicture[],
): Promise<void> {
  const predictor = await loadPredictor(checkpoint.folder);
  await collectAnswers(predictor, pictures, undefined, world).finally(() => predictor.dispose());
}
