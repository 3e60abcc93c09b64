import { DisjointSets } from '../images/disjoint_sets.ts';
import { extensionsOf, pictureExtension } from '../images/extensions.ts';
import { findGenerated } from '../images/generated.ts';
import { joinNearDuplicates } from '../images/near_duplicates.ts';
import { isUnsupported, unknownKind } from '../images/raw_picture.ts';
import { counted } from '../text/format.ts';
import type { Inspections } from './inspections.ts';
import type { Finding } from './kinds.ts';

/** From this ratio of longer to shorter side on, the aspect ratio is extreme. */
const extremeAspect = 4;
/** From this ratio of the largest to the smallest class on, the classes are imbalanced. */
const imbalanceRatio = 2;

/** All pictures of a folder, with what is known about them. */
export interface Pictures {
  /** Paths below the folder of raw pictures, in order. */
  paths: string[];
  /** Class index of each picture. */
  labels: Uint32Array;
  classes: string[];
  known: Inspections;
}

/** The size of a class. */
export interface ClassCount {
  name: string;
  /** Number of pictures, augmented copies included. */
  pictures: number;
  /** Number of augmented copies. */
  generated: number;
}

/** Flags the augmented copies whose sources still exist. @returns 1 for each of them, by index. */
export async function flagGenerated(rawData: string, { paths }: Pictures): Promise<Uint8Array> {
  const flags = new Uint8Array(paths.length);
  const generated = await findGenerated(rawData, paths);
  if (generated.size === 0) return flags;
  const all = new Set(paths);
  for (const [index, path] of paths.entries()) {
    const source = generated.get(path)?.source;
    if (source !== undefined && all.has(source)) flags[index] = 1;
  }
  return flags;
}

/** The extension of a path, if it is that of another kind of picture. */
function wrongExtension(path: string, kind: string): string | undefined {
  const extension = pictureExtension(path);
  if (extension === undefined) return undefined;
  return extensionsOf[kind]?.includes(extension) === false ? extension : undefined;
}

/** What is wrong with single pictures. @param minSize a picture with a shorter side than these is tiny. */
export function* findFaults(
  { paths, known }: Pictures,
  minSize: { width: number; height: number },
): Generator<Finding> {
  for (const [index, path] of paths.entries()) {
    const unreadable = known.unreadable.get(index);
    if (unreadable !== undefined) {
      yield {
        kind: isUnsupported(unreadable) ? 'unsupported' : 'unreadable',
        files: [path],
        why: unreadable === unknownKind ? 'not a picture of a known kind' : unreadable,
      };
      continue;
    }
    const [width, height] = [known.width[index] as number, known.height[index] as number];
    const extension = wrongExtension(path, known.kind(index));
    const size = `${width} x ${height} pixels`;
    if (known.damaged[index])
      yield { kind: 'damaged', files: [path], why: 'bad JPEG data; the rest of the picture is guessed' };
    if (extension !== undefined)
      yield {
        kind: 'extension',
        files: [path],
        why: `${known.kind(index)} with the extension .${extension}`,
      };
    // SVG can be drawn at any size.
    const isTiny = (width < minSize.width || height < minSize.height) && known.kind(index) !== 'SVG';
    if (isTiny) yield { kind: 'tiny', files: [path], why: size };
    if (Math.max(width, height) >= extremeAspect * Math.min(width, height))
      yield { kind: 'aspect', files: [path], why: size };
    if (known.uniform[index]) yield { kind: 'uniform', files: [path], why: 'a single colour' };
  }
}

export interface Lookalikes {
  findings: Finding[];
  /** Indices of the pictures that were compared: they can be read, and augment has not made them. */
  compared: number[];
  /** The sets of pictures that look the same. */
  alike: DisjointSets;
  /** Number of groups that the split keeps together. */
  groups: number;
  picturesInGroups: number;
}

/** Pictures whose labels can be compared: they can be read, and augment has not made them. */
export interface LabelledPictures {
  rawData: string;
  /** Paths below rawData. */
  paths: string[];
  /** [paths], the class index. */
  labels: number[];
  /** [paths]: equal for pictures that look the same. */
  groups: number[];
  classes: string[];
}

/** Finds duplicates and pictures that look the same, other than augmented copies. */
export function findLookalikes(pictures: Pictures, generated: Uint8Array): Lookalikes {
  const { paths, known } = pictures;
  const compared: number[] = [];
  for (const index of paths.keys())
    if (!generated[index] && !known.unreadable.has(index)) compared.push(index);
  const same = joinSameFiles(known, compared, paths.length);
  const findings: Finding[] = [];
  for (const members of groupsOf(same, compared)) findings.push(...describeSame(pictures, members));

  const alike = new DisjointSets(paths.length);
  for (const index of compared) alike.join(index, same.find(index));
  // As in training: augmented copies do not make a class larger.
  const labels = Int32Array.from(pictures.labels, (label, index) => (generated[index] ? -1 : label));
  joinNearDuplicates(comparedFingerprints(known, compared), alike, labels);
  const groups = groupsOf(alike, compared);
  for (const members of groups) findings.push(...describeAlike(pictures, members, same));
  const picturesInGroups = groups.reduce((sum, members) => sum + members.length, 0);
  return { findings, compared, alike, groups: groups.length, picturesInGroups };
}

/** Joins pictures with the same digest. */
function joinSameFiles(known: Inspections, compared: number[], count: number): DisjointSets {
  const sets = new DisjointSets(count);
  const firsts = new Map<string, number>();
  for (const index of compared) {
    const digest = Buffer.from(known.digest(index)).toString('latin1');
    const first = firsts.get(digest);
    if (first === undefined) firsts.set(digest, index);
    else sets.join(first, index);
  }
  return sets;
}

/** The fingerprints, zero for the pictures that are not compared. */
function comparedFingerprints(known: Inspections, compared: number[]): Uint8Array {
  if (compared.length === known.size.length) return known.fingerprints;
  const records = new Uint8Array(known.fingerprints.length);
  const bytes = known.fingerprint(0).length;
  for (const index of compared) records.set(known.fingerprint(index), index * bytes);
  return records;
}

/** The sets with two or more members. */
function groupsOf(sets: DisjointSets, members: number[]): number[][] {
  const groups = new Map<number, number[]>();
  for (const member of members) {
    const first = sets.find(member);
    if (first === member) continue;
    const group = groups.get(first);
    if (group) group.push(member);
    else groups.set(first, [first, member]);
  }
  return [...groups.values()];
}

function classesOf({ labels, classes }: Pictures, members: number[]): string[] {
  const found = new Set(members.map((index) => labels[index] as number));
  return [...found].sort((a, b) => a - b).map((label) => classes[label] as string);
}

function* describeSame(pictures: Pictures, members: number[]): Generator<Finding> {
  const { paths, labels } = pictures;
  const files = (some: number[]) => some.map((index) => paths[index] as string);
  const classes = classesOf(pictures, members);
  if (classes.length > 1) {
    yield { kind: 'ambiguous', files: files(members), why: `the same file in ${list(classes)}` };
    return;
  }
  const ofOne = members.filter((index) => labels[index] === labels[members[0] as number]);
  yield { kind: 'duplicate', files: files(ofOne), why: `the same file ${members.length} times` };
}

/** A group that looks the same, without copies of the same file; nothing where all are the same file. */
function* describeAlike(pictures: Pictures, members: number[], same: DisjointSets): Generator<Finding> {
  const { paths, known } = pictures;
  const different = members.filter((index) => same.find(index) === index);
  if (different.length < 2) return;
  const pixels = (index: number) => (known.width[index] as number) * (known.height[index] as number);
  const largestFirst = different.sort((a, b) => pixels(b) - pixels(a) || a - b);
  const files = largestFirst.map((index) => paths[index] as string);
  const classes = classesOf(pictures, members);
  if (classes.length > 1) yield { kind: 'similar-ambiguous', files, why: `in ${list(classes)}` };
  else yield { kind: 'similar', files, why: `${files.length} pictures` };
}

function list(names: string[]): string {
  return names.map((name) => JSON.stringify(name)).join(' and ');
}

/** The size of each class. @param generated 1 for each augmented copy. */
export function countClasses({ classes, labels }: Pictures, generated: Uint8Array): ClassCount[] {
  const counts = classes.map((name) => ({ name, pictures: 0, generated: 0 }));
  for (const [index, label] of labels.entries()) {
    const count = counts[label] as ClassCount;
    count.pictures++;
    count.generated += generated[index] as number;
  }
  return counts;
}

/** With fewer pictures of its own a class has hardly any for validation. */
const minPictures = 10;

/** Classes with too few pictures, augmented copies not counted. */
export function findSmallClasses(counts: ClassCount[]): Finding[] {
  return counts
    .map(({ name, pictures, generated }) => ({ name, own: pictures - generated }))
    .filter(({ own }) => own < minPictures)
    .map(({ name, own }) => ({
      kind: 'few',
      files: [],
      why: `${JSON.stringify(name)} has ${own === 0 ? 'no pictures' : counted(own, 'picture')}`,
    }));
}

/** Whether the largest class has far more pictures than the smallest. */
export function findImbalance(counts: ClassCount[]): Finding[] {
  const sorted = [...counts].sort((a, b) => b.pictures - a.pictures);
  const [largest, smallest] = [sorted[0], sorted.at(-1)];
  if (!largest || !smallest || largest === smallest || largest.pictures < imbalanceRatio * smallest.pictures)
    return [];
  const [many, few] = [largest, smallest].map(
    ({ name, pictures }) => `${JSON.stringify(name)} has ${counted(pictures, 'picture')}`,
  );
  return [{ kind: 'imbalance', files: [], why: `${many}, ${few}` }];
}
