import { stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { reason, UserError } from '../errors.ts';
import { type ClassFolder, findClasses, findFiles, findPictures, skippedOf } from '../images/find.ts';
import { copyNameOf, findGeneratedInData } from '../images/generated.ts';
import { printable } from '../text/printable.ts';

/** A picture of a dataset. */
export interface Picture {
  file: string;
  /** Index of its class; where it can show several, that of the first, and 0 where it shows none. */
  label: number;
  /** With --multi-label: the indices of all classes that it shows, ascending; absent without. */
  labels?: number[];
  /** Size and time of the file: changes when the file does. */
  stamp: string;
  /** The raw picture that it was resized from, whose name the user knows; absent where there is none. */
  source?: string;
  /** For a copy that augment made: the file in the dataset of the picture it was made from, which may not exist. */
  copyOf?: string;
  /** Digest of the raw picture's bytes, by which it is recognised under another name; absent in copies of augment. */
  digest?: string;
  /**
   * [classes]: how much of each class a mixed picture shows, with the sum 1, or with --multi-label 1 for each class that it
   * shows; absent where it shows one.
   */
  softLabel?: number[];
}

/** Pictures with their classes. */
export interface Dataset {
  /** Names, sorted; labels are indices into them. */
  classes: string[];
  pictures: Picture[];
}

/** The file by which messages name a picture: the raw one, if there is one. */
export function nameOf({ file, source }: Picture): string {
  return source ?? file;
}

/** The indices of the classes that a picture shows. */
export function labelsOf({ label, labels }: Pick<Picture, 'label' | 'labels'>): number[] {
  return labels ?? [label];
}

/** The path of a file relative to the dataset's folder, with '/'. */
export function pathBelow(folder: string, file: string): string {
  return relative(folder, file).split(sep).join('/');
}

/**
 * Lists the pictures of <folder>/<class>/, in a fixed order. Classes without pictures are left out.
 * @param rawData the folder that they were resized from, to find the source of each; absent where there is none.
 * @param notice called for each file or folder that is skipped.
 * @param minClasses 1 where the folders do not name the classes.
 * @throws {UserError} for fewer classes, or a broken link.
 */
export async function scanDataset(
  folder: string,
  rawData?: string,
  notice: (text: string) => void = () => {},
  minClasses: 1 | 2 = 2,
): Promise<Dataset> {
  const found = await findPictures(folder);
  const classes = found.classes.filter(({ pictures }) => pictures.length > 0);
  if (classes.length < minClasses) refuseTooFew(folder, found.classes);
  for (const { path, reason } of skippedOf(found))
    notice(`skipped ${printable(join(folder, path))}: ${reason}`);
  const paths = classes.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  const generated = await findGeneratedInData(folder, paths);
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

/** The raw pictures by the paths, relative to the dataset's folder, of their resized copies. */
async function findSources(rawData: string): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  for (const name of await findClasses(rawData)) {
    for (const picture of await findFiles(join(rawData, name))) {
      const copy = copyNameOf(`${name}/${picture}`);
      // If the copies of two pictures would have the same name, only the picture with that name is resized.
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
      `${join(folder, empty.name)} holds no picture; a classifier needs pictures of at least two classes.`,
    );
  throw new UserError(
    `${folder} holds only the class "${one?.name}"; a classifier needs at least two classes, each in its own folder.`,
  );
}

async function describe(file: string, label: number): Promise<Picture> {
  const { size, mtimeMs } = await stat(file).catch((error) => {
    throw new UserError(`${file} cannot be read (${reason(error)}); remove it.`);
  });
  return { file, label, stamp: `${size}-${mtimeMs}` };
}
