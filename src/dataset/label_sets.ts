import { dirname, relative, resolve, sep } from 'node:path';
import { UserError } from '../errors.ts';
import { copyNameOf } from '../images/generated.ts';
import { counted } from '../text/format.ts';
import { digestPictures } from './digests.ts';
import { type LabelsRow, readLabelsFile } from './labels_file.ts';
import { type Dataset, type Picture, pathBelow, scanDataset } from './scan.ts';

/** Which classes each picture shows, where it can show several. Plain data, which rank 0 sends to the others. */
export interface LabelSets {
  /** Sorted. */
  classes: string[];
  /** By path below data: pictures that are not here are left out. `copyOf` is the path of a copy's source. */
  pictures: Record<string, { labels: number[]; copyOf?: string }>;
}

interface Source {
  rawData: string;
  data: string;
  /** A labels file, or 'off'. */
  labels: string;
  workers: number;
}

/**
 * Finds the labels of pictures that can show several classes. Without a labels file the same picture, byte for byte, lies
 * in the folder of each class that it shows; it becomes one picture. A copy that augment made has the labels of its source.
 * @param notice called with what is left out.
 * @throws {UserError} for fewer than two classes, or a row of the labels file that names no picture.
 */
export async function findLabelSets(source: Source, notice: (text: string) => void): Promise<LabelSets> {
  const { rawData, data, labels, workers } = source;
  const isListed = labels !== 'off';
  const scanned = await scanDataset(data, rawData, () => {}, isListed ? 1 : 2);
  if (isListed) return listedSets(scanned, source, await readLabelsFile(labels), notice);
  return foldedSets(await digestPictures(scanned, { folder: data, workers }), data, notice);
}

/** The labels of the folders that hold the same picture. */
function foldedSets({ classes, pictures }: Dataset, data: string, notice: (text: string) => void): LabelSets {
  const path = (file: string) => pathBelow(data, file);
  const byDigest = new Map<string, { first: string; labels: Set<number> }>();
  const own = pictures.filter(({ copyOf }) => copyOf === undefined);
  /** What each path has become part of. */
  const folded = new Map<string, { first: string; labels: Set<number> }>();
  for (const { file, label, digest } of own) {
    const key = digest ?? path(file);
    const one = byDigest.get(key) ?? { first: path(file), labels: new Set() };
    byDigest.set(key, one);
    one.labels.add(label);
    folded.set(path(file), one);
  }
  const sets: LabelSets = { classes, pictures: {} };
  for (const { first, labels } of byDigest.values()) sets.pictures[first] = { labels: ascending(labels) };
  for (const { file, label, copyOf } of pictures) {
    if (copyOf === undefined) continue;
    const source = folded.get(path(copyOf));
    sets.pictures[path(file)] = source
      ? { labels: ascending(source.labels), copyOf: source.first }
      : { labels: [label] };
  }
  const several = [...byDigest.values()].filter(({ labels }) => labels.size > 1).length;
  notice(
    several > 0
      ? `${counted(several, 'picture lies', 'pictures lie')} in the folders of several classes, and show all of them.`
      : 'No picture lies in the folders of two classes, so that none is known to show both.',
  );
  return sets;
}

const ascending = (labels: Iterable<number>) => [...labels].sort((a, b) => a - b);

/** The labels that the rows of a labels file give. */
function listedSets(
  { pictures }: Dataset,
  { rawData, data, labels: file }: Source,
  rows: LabelsRow[],
  notice: (text: string) => void,
): LabelSets {
  const classes = [...new Set(rows.flatMap(({ labels }) => labels))].sort();
  if (classes.length < 2)
    throw new UserError(
      `${file} names ${counted(classes.length, 'class', 'classes')}; a classifier needs two.`,
    );
  const indices = new Map(classes.map((name, index) => [name, index]));
  const there = new Set(pictures.map((picture) => pathBelow(data, picture.file)));
  const listed = new Map<string, Set<number>>();
  for (const row of rows) {
    const path = pathOf(row.file, { rawData, file }).find((candidate) => there.has(candidate));
    if (path === undefined)
      throw new UserError(
        `${file}, line ${row.line}: ${row.file} is not a picture below ${rawData} that could be resized; paths are ` +
          `relative to ${rawData} or to the file.`,
      );
    const set = listed.get(path) ?? new Set<number>();
    listed.set(path, set);
    for (const label of row.labels) set.add(indices.get(label) as number);
  }
  const sets: LabelSets = { classes, pictures: {} };
  let unlisted = 0;
  for (const picture of pictures) {
    const path = pathBelow(data, picture.file);
    const source = picture.copyOf === undefined ? path : pathBelow(data, picture.copyOf);
    const labels = listed.get(source);
    if (labels)
      sets.pictures[path] = { labels: ascending(labels), ...(source !== path && { copyOf: source }) };
    else unlisted++;
  }
  if (unlisted > 0)
    notice(`${counted(unlisted, 'picture is', 'pictures are')} not in ${file}, and left out.`);
  return sets;
}

/** The paths below data that a row's path may mean: relative to the raw pictures, or to the labels file. */
function pathOf(name: string, { rawData, file }: { rawData: string; file: string }): string[] {
  const below = [resolve(rawData, name), resolve(dirname(file), name)].map((path) =>
    relative(resolve(rawData), path).split(sep).join('/'),
  );
  return below.map(copyNameOf);
}

/**
 * The pictures with the classes that each shows; those without labels are left out.
 * @param folder the dataset's, data/.
 */
export function withLabelSets(
  { pictures }: Dataset,
  { classes, pictures: sets }: LabelSets,
  folder: string,
): Dataset {
  const files = new Map(pictures.map(({ file }) => [pathBelow(folder, file), file]));
  const labelled = pictures.flatMap((picture): Picture[] => {
    const path = pathBelow(folder, picture.file);
    if (!Object.hasOwn(sets, path)) return [];
    const { labels, copyOf } = sets[path] as LabelSets['pictures'][string];
    const source = copyOf === undefined ? picture.copyOf : files.get(copyOf);
    return [
      {
        ...picture,
        label: labels[0] ?? 0,
        labels,
        softLabel: classes.map((_, label) => (labels.includes(label) ? 1 : 0)),
        ...(source !== undefined && { copyOf: source }),
      },
    ];
  });
  return { classes, pictures: labelled };
}
