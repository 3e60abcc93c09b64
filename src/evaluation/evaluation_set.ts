import type { Checkpoint } from '../checkpoints/index.ts';
import { type FolderPictures, picturesOf, validationPictures } from './pictures.ts';
import { describeRemadeData } from './remade_data.ts';

/** The labelled pictures to evaluate a network on. */
export interface EvaluationSet extends FolderPictures {
  /** The folder, or 'Held back for validation'. */
  name: string;
}

/**
 * The pictures of <folder>/<class>/, or those that the checkpoint's training held back for validation.
 * @param data folder of the resized pictures, where it is not the one of the training.
 * @param notice called where data/ has been resized differently since the training.
 * @throws {UserError} where there are no such pictures.
 */
export async function chooseEvaluationSet(
  folder: string | undefined,
  checkpoint: Checkpoint,
  data: string | undefined,
  notice: (text: string) => void,
): Promise<EvaluationSet> {
  if (folder !== undefined) {
    const { classes } = checkpoint.manifest.model;
    return { name: folder, ...(await picturesOf(folder, classes)) };
  }
  const pictures = await validationPictures(checkpoint, data);
  const remade = await describeRemadeData(checkpoint, data);
  if (remade) notice(remade);
  return { name: 'Held back for validation', pictures, unknown: [], missing: [] };
}
