import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { reason, UserError } from '../errors.ts';
import { type ClassFolder, findClasses, findFiles, findPictures, skippedOf } from '../images/find.ts';
import { copyNameOf, readGenerated } from '../images/generated.ts';
import { printable } from '../text/printable.ts';

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
  /** [classes], with the sum 1: how much of each class a mixed picture shows; absent where it shows one. */
  softLabel?: number[];
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
 * The pictures of data/<class>/, in a fixed order. A class without pictures is left out.
 * @param rawData where they were made of the pictures of another folder: its path.
 * @param notice told what is left out.
 * @throws {UserError} for fewer than two classes, or a link that leads nowhere.
 */
export async function scanDataset(
  folder: string,
  rawData?: string,
  notice: (text: string) => void = () => {},
): Promise<Dataset> {
  const found = await findPictures(folder);
  const classes = found.classes.filter(({ pictures }) => pictures.length > 0);
  if (classes.length < 2) refuseTooFew(folder, found.classes);
  for (const { path, reason } of skippedOf(found))
    notice(`skipped ${printable(join(folder, path))}: ${reason}`);
  const paths = classes.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  const generated = await readGenerated(folder, paths);
  const sources = rawData === undefined ? new Map<string, string>() : await findSources(rawData);
  const pictures: Picture[] = [];
  for (const [label, one] of classes.entries()) {
    const some = await mapConcurrently(one.pictures, 0, async (picture): Promise<Picture> => {
      const path = `${one.name}/${picture}`;
      const [source, copyOf] = [sources.get(path), generated.get(path)];
      return {
        ...(await describe(join(folder, path), label)),
        ...(source !== undefined && { source }),
        ...(copyOf !== undefined && { copyOf: join(folder, copyOf) }),
      };
    });
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
