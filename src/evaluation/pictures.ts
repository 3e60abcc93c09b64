import { basename, dirname, join } from 'node:path';
import type { Checkpoint } from '../checkpoints/index.ts';
import { UserError } from '../errors.ts';
import { findPictures } from '../images/find.ts';
import { parseGeneratedName } from '../images/generated.ts';
import { readHeldBack } from '../runs/held_back.ts';

export interface LabelledPicture {
  file: string;
  /** What its owner knows it by, where that is another file. */
  source?: string;
  /** Index into the network's classes. */
  label: number;
}

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
 * The pictures that a checkpoint's training held back.
 * @param data folder of the pictures, where it is another than training was told.
 * @throws {UserError} where it held none back, or which is not known.
 */
export async function validationPictures(
  { folder, manifest }: Checkpoint,
  data?: string,
): Promise<LabelledPicture[]> {
  const other = 'evaluate pictures of a folder: "bat-sup evaluate <folder>".';
  const heldBack = await readHeldBack(dirname(folder));
  // A run of today holds back the same for good; one of versions before, until its pictures changed.
  const isOf = heldBack?.trained !== undefined || heldBack?.dataset === manifest.training.dataset;
  if (!heldBack || !isOf) {
    throw new UserError(
      `${dirname(folder)} does not tell which pictures were held back as ${basename(folder)} was trained; ${other}`,
    );
  }
  if (heldBack.pictures.length === 0)
    throw new UserError(`${folder} was trained on every picture, none was held back; ${other}`);
  // Versions before counted copies that augment made, too.
  const isOwn = (file: string) => heldBack.trained !== undefined || parseGeneratedName(file) === undefined;
  const own = heldBack.pictures.filter(({ file }) => isOwn(file));
  return own.map(({ file, label, source }) => ({
    file: join(data ?? heldBack.data, file),
    label,
    ...(source !== undefined && { source }),
  }));
}
