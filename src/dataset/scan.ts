import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrently } from '../concurrency.ts';
import { reason, UserError } from '../errors.ts';
import { type ClassFolder, findPictures, skippedOf } from '../images/find.ts';
import { readGenerated } from '../images/generated.ts';
import { printable } from '../printable.ts';

export interface Picture {
  file: string;
  /** Index into the classes. */
  label: number;
  /** Of a picture that augment made: the file resized from its source, which may be gone. */
  source?: string;
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
 * The pictures of data/<class>/, in a fixed order. A class without pictures is left out.
 * @param notice told what is left out.
 * @throws {UserError} for fewer than two classes, or a link that leads nowhere.
 */
export async function scanDataset(
  folder: string,
  notice: (text: string) => void = () => {},
): Promise<Dataset> {
  const found = await findPictures(folder);
  const classes = found.classes.filter(({ pictures }) => pictures.length > 0);
  if (classes.length < 2) refuseTooFew(folder, found.classes);
  for (const { path, reason } of skippedOf(found))
    notice(`skipped ${printable(join(folder, path))}: ${reason}`);
  const paths = classes.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  const generated = await readGenerated(folder, paths);
  const pictures: Picture[] = [];
  for (const [label, one] of classes.entries()) {
    const some = await mapConcurrently(one.pictures, 0, async (picture): Promise<Picture> => {
      const described = await describe(join(folder, one.name, picture), label);
      const source = generated.get(`${one.name}/${picture}`);
      return source === undefined ? described : { ...described, source: join(folder, source) };
    });
    for (const picture of some) pictures.push(picture);
  }
  return { classes: classes.map((one) => one.name), pictures };
}

function refuseTooFew(folder: string, [one, ...others]: ClassFolder[]): never {
  const empty = [one, ...others].find((found) => found?.pictures.length === 0);
  if (empty && others.length > 0)
    throw new UserError(
      `${join(folder, empty.name)} holds no picture; a classifier needs two classes with some.`,
    );
  throw new UserError(
    `${folder} holds only the class "${one?.name}"; a classifier needs at least two folders of pictures, one for each class.`,
  );
}

async function describe(file: string, label: number): Promise<Picture> {
  const { size, mtimeMs } = await stat(file).catch((error) => {
    throw new UserError(`${file} cannot be read (${reason(error)}); remove it.`);
  });
  return { file, label, stamp: `${size}-${mtimeMs}` };
}
