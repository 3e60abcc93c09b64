import { basename, dirname, join } from 'node:path';
import type { Checkpoint } from '../checkpoints/index.ts';
import { UserError } from '../errors.ts';
import { findPictures } from '../images/find.ts';
import { parseGeneratedName } from '../images/generated.ts';
import { readHeldBack } from '../runs/held_back.ts';

/** A picture whose class is known. */
export interface LabelledPicture {
  /** The file to decode. */
  file: string;
  /** The user's own file that `file` was made from, where that is a different one. */
  source?: string;
  /** Index into the network's classes. */
  label: number;
  /** With --multi-label: the indices of all classes that it shows. */
  labels?: number[];
}

/** The pictures of a folder with a subfolder per class. */
export interface FolderPictures {
  pictures: LabelledPicture[];
  /** Subfolders that are not a class of the network; their pictures are left out. */
  unknown: string[];
  /** Classes of the network without a picture in the folder. */
  missing: string[];
}

/**
 * Finds the pictures in `<folder>/<class>/` and labels them by the network's classes.
 * @param classes the network's classes; a label is an index into them.
 * @throws {UserError} where the folder holds no picture of these classes.
 * @example
 * ```ts
 * import { picturesOf } from 'bat-sup';
 *
 * const { pictures, missing } = await picturesOf('rawdata', ['bat', 'sup']);
 * console.log(pictures.length, missing);
 * ```
 */
export async function picturesOf(folder: string, classes: string[]): Promise<FolderPictures> {
  const { classes: found } = await findPictures(folder);
  const known = found.filter(({ name }) => classes.includes(name));
  const pictures = known.flatMap(({ name, pictures }) =>
    pictures.map((file) => ({ file: join(folder, name, file), label: classes.indexOf(name) })),
  );
  if (pictures.length === 0) {
    throw new UserError(
      `${folder} holds no pictures of the network's classes; put some in ` +
        `${classes.map((name) => join(folder, name)).join(' or ')}.`,
    );
  }
  const there = new Set(pictures.map(({ label }) => classes[label]));
  return {
    pictures,
    unknown: found.filter((one) => !known.includes(one)).map(({ name }) => name),
    missing: classes.filter((name) => !there.has(name)),
  };
}

/**
 * Finds the validation pictures of a checkpoint: those that its training held back.
 * @param data folder of the pictures; default: the one that was trained on.
 * @throws {UserError} where none was held back, or the run does not say which.
 * @example
 * ```ts
 * import { findCheckpoint, validationPictures } from 'bat-sup';
 *
 * const checkpoint = await findCheckpoint('checkpoints/run-001');
 * const pictures = await validationPictures(checkpoint);
 * console.log(pictures.length, checkpoint.manifest.model.classes[pictures[0]?.label ?? 0]);
 * ```
 */
export async function validationPictures(
  { folder, manifest }: Checkpoint,
  data?: string,
): Promise<LabelledPicture[]> {
  const other = 'to evaluate pictures of your own, run "bat-sup evaluate <folder>".';
  const heldBack = await readHeldBack(dirname(folder));
  // Runs of older versions hold back other pictures once the data set changes; newer runs never do.
  const isKnown = heldBack?.trained !== undefined || heldBack?.dataset === manifest.training.dataset;
  if (!heldBack || !isKnown) {
    throw new UserError(
      `${dirname(folder)} does not say which pictures were held back when ${basename(folder)} was trained; ${other}`,
    );
  }
  if (heldBack.pictures.length === 0)
    throw new UserError(`${folder} was trained on every picture and none was held back; ${other}`);
  // Older versions also held back copies that augment made.
  const isOwn = (file: string) => heldBack.trained !== undefined || parseGeneratedName(file) === undefined;
  const own = heldBack.pictures.filter(({ file }) => isOwn(file));
  return own.map(({ file, label, labels, source }) => ({
    file: join(data ?? heldBack.data, file),
    label,
    ...(labels && { labels }),
    ...(source !== undefined && { source }),
  }));
}
