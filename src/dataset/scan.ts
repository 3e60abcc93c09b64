import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
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
 * @throws {UserError} for fewer than two classes or a class without pictures.
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
  const files = classes.flatMap((one, label) =>
    one.pictures.map((picture) => ({ file: join(folder, one.name, picture), label })),
  );
  const pictures = await Promise.all(
    files.map(async (picture) => {
      const { size, mtimeMs } = await stat(picture.file);
      return { ...picture, stamp: `${size}-${mtimeMs}` };
    }),
  );
  return { classes: classes.map((one) => one.name), pictures };
}
