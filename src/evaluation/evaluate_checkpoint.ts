import { type Checkpoint, saveCalibration } from '../checkpoints/index.ts';
import type { World } from '../cluster/index.ts';
import { UserError } from '../errors.ts';
import { loadPredictor } from '../predict/load_predictor.ts';
import type { Answers } from './answers.ts';
import { collectAnswers, type Unreadable } from './collect_answers.ts';
import { type Evaluation, evaluate } from './evaluate.ts';
import type { LabelledPicture } from './pictures.ts';
import { fitTemperature, whyNotFit } from './temperature.ts';

export interface CheckpointEvaluation {
  evaluation: Evaluation;
  answers: Answers;
  unreadable: Unreadable[];
  /** Whether a temperature has been fitted on these pictures and stored with the checkpoint. */
  fitted: boolean;
  /** Where it was asked for and has not. */
  whyNotFitted?: string;
}

interface EvaluateCheckpointOptions {
  /** Fits the temperature on these pictures and stores it, so that predict uses it. */
  calibrate: boolean;
  seed: number;
  topLosses: number;
  onProgress?: (done: number) => void;
  /** Ranks that answer together; this one must be rank 0, the others {@link helpEvaluate}. */
  world?: World | undefined;
}

/**
 * How good a checkpoint is on pictures that it has not learnt from. The engine must have been started.
 * @throws {UserError} where none of the pictures can be read, or the checkpoint is damaged.
 */
export async function evaluateCheckpoint(
  checkpoint: Checkpoint,
  pictures: LabelledPicture[],
  options: EvaluateCheckpointOptions,
): Promise<CheckpointEvaluation> {
  const predictor = await loadPredictor(checkpoint.folder);
  const collecting = collectAnswers(predictor, pictures, options.onProgress, options.world);
  const { answers, unreadable } = await collecting.finally(() => predictor.dispose());
  if (answers.labels.length === 0) {
    const [first] = unreadable;
    throw new UserError(`None of the pictures can be read; the first, ${first?.file}: ${first?.reason}.`);
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

/** What the other ranks do while rank 0 evaluates the same pictures. */
export async function helpEvaluate(
  world: World,
  checkpoint: Checkpoint,
  pictures: LabelledPicture[],
): Promise<void> {
  const predictor = await loadPredictor(checkpoint.folder);
  await collectAnswers(predictor, pictures, undefined, world).finally(() => predictor.dispose());
}
