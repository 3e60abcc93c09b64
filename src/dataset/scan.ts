import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrently } from '../concurrency.ts';
import { reason, UserError } from '../errors.ts';
import { findPictures } from '../images/find.ts';

export interface Picture {
  file: string;
  /** Index into the classes. */
  label: number;
  /** What changes when the file does. */
  stamp: string;
  /** How much of the label each class has, where it is not all one's. */
  shares?: number[];
}

export interface Dataset {
  classes: string[];
  pictures: Picture[];
}

/**
 * The pictures of data/<class>/, in a fixed order.
 * @throws {UserError} for fewer than two classes, a class without pictures, or a link that leads nowhere.
 */
export async function scanDataset(folder: string): Promise<Dataset> {
  const { classes } = await findPictures(folder);
  if (classes.length < 2) {
    const found = classes.length === 1 ? `only the class "${classes[0]?.name}"` : 'no class';
    throw new UserError(
      `${folder} holds ${found}; a classifier needs at least two folders of pictures, one for each class.`,
    );
  }
  const empty = classes.find((one) => one.pictures.length === 0);
  if (empty)
    throw new UserError(`${join(folder, empty.name)} holds no picture; add some or remove the folder.`);
  const pictures: Picture[] = [];
  for (const [label, one] of classes.entries()) {
    const some = await mapConcurrently(one.pictures, 0, (picture) =>
      describe(join(folder, one.name, picture), label),
    );
    for (const picture of some) pictures.push(picture);
  }
  return { classes: classes.map((one) => one.name), pictures };
}

async function describe(file: string, label: number): Promise<Picture> {
  const { size, mtimeMs } = await stat(file).catch((error) => {
    throw new UserError(`${file} cannot be read (${reason(error)}); remove it.`);
  });
  return { file, label, stamp: `${size}-${mtimeMs}` };
}
