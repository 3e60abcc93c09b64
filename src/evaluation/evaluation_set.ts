import type { Checkpoint } from '../checkpoints/index.ts';
import { UsageError } from '../errors.ts';
import { labelSetsInFile, labelSetsInFolders } from './multi_label/pictures.ts';
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
 * @param labels a labels file of the folder's pictures, for a network trained with --multi-label.
 * @throws {UserError} where there are no such pictures.
 */
export async function chooseEvaluationSet(
  folder: string | undefined,
  checkpoint: Checkpoint,
  data: string | undefined,
  notice: (text: string) => void,
  labels?: string,
): Promise<EvaluationSet> {
  const { classes, isMultiLabel } = checkpoint.manifest.model;
  if (labels !== undefined && !isMultiLabel)
    throw new UsageError(
      `--labels is for networks trained with --multi-label, and ${checkpoint.folder} is not; leave it out.`,
    );
  if (folder !== undefined) {
    const findIn = isMultiLabel ? labelSetsInFolders : picturesOf;
    const found = labels === undefined ? findIn(folder, classes) : labelSetsInFile(folder, labels, classes);
    return { name: folder, ...(await found) };
  }
  const pictures = await validationPictures(checkpoint, data);
  const remade = await describeRemadeData(checkpoint, data);
  if (remade) notice(remade);
  return { name: 'Held back for validation', pictures, unknown: [], missing: [] };
}
