import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { mapConcurrently } from '../../async/concurrency.ts';
import { readLabelsFile } from '../../dataset/labels_file.ts';
import { UserError } from '../../errors.ts';
import { sha256OfFile } from '../../system/files.ts';
import { type FolderPictures, type LabelledPicture, picturesOf } from '../pictures.ts';

/**
 * The pictures in `<folder>/<class>/` of a network whose classes do not exclude each other: the same picture, byte for byte,
 * in several folders is one that shows all of their classes.
 * @param classes the network's classes; labels are indices into them.
 * @throws {UserError} where the folder holds no picture of these classes.
 * @example
 * ```ts
 * import { labelSetsInFolders } from 'bat-sup';
 *
 * const { pictures } = await labelSetsInFolders('rawdata', ['bat', 'sup']);
 * console.log(pictures.filter(({ labels }) => labels?.length === 2).length, 'show both');
 * ```
 */
export async function labelSetsInFolders(folder: string, classes: string[]): Promise<FolderPictures> {
  const found = await picturesOf(folder, classes);
  // A file that cannot be read stays by itself, and is reported when it is decoded.
  const digests = await mapConcurrently(found.pictures, 0, ({ file }) =>
    sha256OfFile(file).then(
      (digest) => digest.toString('hex'),
      () => file,
    ),
  );
  const byDigest = new Map<string, LabelledPicture & { labels: number[] }>();
  for (const [index, picture] of found.pictures.entries()) {
    const digest = digests[index] as string;
    const one = byDigest.get(digest) ?? { ...picture, labels: [] };
    byDigest.set(digest, one);
    one.labels = [...new Set([...one.labels, picture.label])].sort((a, b) => a - b);
  }
  return { ...found, pictures: [...byDigest.values()] };
}

/**
 * The pictures of a labels file, whose paths are relative to the folder or to the file.
 * @param classes the network's classes; labels are indices into them.
 * @throws {UserError} where it cannot be read, or names none of the classes.
 * @example
 * ```ts
 * import { labelSetsInFile } from 'bat-sup';
 *
 * const { pictures } = await labelSetsInFile('rawdata', 'labels.csv', ['bat', 'sup']);
 * console.log(pictures[0]?.file, pictures[0]?.labels);
 * ```
 */
export async function labelSetsInFile(
  folder: string,
  labelsFile: string,
  classes: string[],
): Promise<FolderPictures> {
  const rows = await readLabelsFile(labelsFile);
  const sets = new Map<string, Set<string>>();
  for (const { file, labels } of rows) {
    const candidates = [resolve(folder, file), resolve(dirname(labelsFile), file)];
    const path = (await firstThere(candidates)) ?? join(folder, file);
    const set = sets.get(path) ?? new Set<string>();
    sets.set(path, set);
    for (const label of labels) set.add(label);
  }
  const named = new Set([...sets.values()].flatMap((set) => [...set]));
  const missing = classes.filter((name) => !named.has(name));
  if (missing.length === classes.length)
    throw new UserError(`${labelsFile} names none of the network's classes: ${classes.join(', ')}.`);
  const pictures = [...sets].map(([file, set]) => {
    const labels = classes.flatMap((name, label) => (set.has(name) ? [label] : []));
    return { file, label: labels[0] ?? 0, labels };
  });
  return { pictures, unknown: [...named].filter((name) => !classes.includes(name)).sort(), missing };
}

async function firstThere(paths: string[]): Promise<string | undefined> {
  for (const path of paths) if ((await stat(path).catch(() => undefined))?.isFile()) return path;
  return undefined;
}
