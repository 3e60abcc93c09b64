import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { mapConcurrently } from '../concurrency.ts';
import { reason, UserError } from '../errors.ts';
import { findClasses, findFiles, findPictures } from '../images/find.ts';
import { copyNameOf, generatedFrom, sourceOf } from '../images/generated.ts';

export interface Picture {
  file: string;
  /** Index into the classes. */
  label: number;
  /** What changes when the file does. */
  stamp: string;
  /** The raw picture that it was made of, which its owner knows it by; absent where there is none. */
  source?: string;
  /** Of a copy that augment made: the file that its source has, or would have, in the dataset. */
  copyOf?: string;
  /** What the raw picture's bytes are told by, whatever its name; absent in copies that augment made. */
  digest?: string;
  /** How much of the label each class has, where it is not all one's. */
  shares?: number[];
}

export interface Dataset {
  classes: string[];
  pictures: Picture[];
}

/** What to call a picture when speaking to its owner. */
export function nameOf({ file, source }: Picture): string {
  return source ?? file;
}

/** A picture's path below the folder of the dataset, with '/'. */
export function pathBelow(folder: string, file: string): string {
  return relative(folder, file).split(sep).join('/');
}

/**
 * The pictures of data/<class>/, in a fixed order.
 * @param rawData where they were made of the pictures of another folder: its path.
 * @throws {UserError} for fewer than two classes, a class without pictures, or a link that leads nowhere.
 */
export async function scanDataset(folder: string, rawData?: string): Promise<Dataset> {
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
  const sources = rawData === undefined ? new Map<string, string>() : await findSources(rawData);
  const pictures: Picture[] = [];
  for (const [label, one] of classes.entries()) {
    const some = await mapConcurrently(one.pictures, 0, (picture) =>
      describe(join(folder, one.name, picture), label, sources.get(`${one.name}/${picture}`)),
    );
    for (const picture of some) pictures.push(picture);
  }
  return { classes: classes.map((one) => one.name), pictures };
}

/** The raw pictures, by the paths of their resized copies below the dataset's folder. */
async function findSources(rawData: string): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  for (const name of await findClasses(rawData)) {
    for (const picture of await findFiles(join(rawData, name))) {
      const copy = copyNameOf(`${name}/${picture}`);
      // Of two whose copies would share a name, only the one that has that name itself has a copy.
      if (copy === `${name}/${picture}` || !sources.has(copy))
        sources.set(copy, join(rawData, name, picture));
    }
  }
  return sources;
}

async function describe(file: string, label: number, source: string | undefined): Promise<Picture> {
  const { size, mtimeMs } = await stat(file).catch((error) => {
    throw new UserError(`${file} cannot be read (${reason(error)}); remove it.`);
  });
  return {
    file,
    label,
    stamp: `${size}-${mtimeMs}`,
    ...(source !== undefined && { source }),
    ...(generatedFrom(file) !== undefined && { copyOf: sourceOf(file) }),
  };
}
