import { join } from 'node:path';
import type { Checkpoint } from '../checkpoints/index.ts';
import { digestOf } from '../dataset/digest.ts';
import { type Picture, scanDataset } from '../dataset/scan.ts';
import { splitPictures } from '../dataset/split.ts';
import { UserError } from '../errors.ts';
import { findPictures } from '../images/find.ts';

export type LabelledPicture = Pick<Picture, 'file' | 'label'>;

export interface FolderPictures {
  pictures: LabelledPicture[];
  /** Folders that are no class of the network; their pictures are left out. */
  unknown: string[];
  /** Classes of the network that have no picture here. */
  missing: string[];
}

/**
 * The pictures of <folder>/<class>/, by the network's classes.
 * @throws {UserError} where there are none.
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
 * The pictures of data/ that a checkpoint's training held back.
 * @throws {UserError} where it held none back, or data/ has changed since, so that they are not known any more.
 */
export async function validationPictures(
  { folder, manifest }: Checkpoint,
  data: string,
): Promise<LabelledPicture[]> {
  const { validationSplit, seed, batchSize, dataset: digest } = manifest.training;
  const other = 'evaluate pictures of a folder: bat-sup evaluate <folder>.';
  if (validationSplit === 0)
    throw new UserError(`${folder} was trained on every picture, none was held back; ${other}`);
  const dataset = await scanDataset(data);
  const split = splitPictures(dataset.pictures, dataset.classes.length, validationSplit, seed);
  if (digestOf(dataset, split, batchSize) !== digest) {
    throw new UserError(
      `${data} is not as it was when ${folder} was trained, so that the pictures held back are not known ` +
        `any more; ${other}`,
    );
  }
  if (split.validation.length === 0)
    throw new UserError(`${data} has too few pictures to hold some back; ${other}`);
  return split.validation.map((index) => dataset.pictures[index] as Picture);
}
