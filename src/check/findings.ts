import { DisjointSets } from '../images/disjoint_sets.ts';
import { extensionsOf, pictureExtension } from '../images/extensions.ts';
import { findGenerated } from '../images/generated.ts';
import { joinNearDuplicates } from '../images/near_duplicates.ts';
import { isUnsupported, unknownKind } from '../images/raw_picture.ts';
import { counted } from '../text/format.ts';
import type { Inspections } from './inspections.ts';
import type { Finding } from './kinds.ts';

/** Longer side by shorter side, from which on a picture is a stripe. */
const extremeAspect = 4;
/** Pictures of the largest class by those of the smallest, from which on they are unequal. */
const unequal = 2;

export interface Pictures {
  /** Paths below the folder of raw pictures, in order. */
  paths: string[];
  /** Index of each picture's class. */
  labels: Uint32Array;
  classes: string[];
  known: Inspections;
}

export interface ClassCount {
  name: string;
  pictures: number;
  /** How many of them augment made. */
  generated: number;
}

/** The pictures that augment made of sources that are still there. */
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

/** The extension of a path where it is that of another kind of picture. */
function wrongExtension(path: string, kind: string): string | undefined {
  const extension = pictureExtension(path);
  if (extension === undefined) return undefined;
  return extensionsOf[kind]?.includes(extension) === false ? extension : undefined;
}

/** What is wrong with each picture by itself. @param least pixels below which a side is tiny. */
export function* findFaults(
  { paths, known }: Pictures,
  least: { width: number; height: number },
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
      yield { kind: 'damaged', files: [path], why: 'bad JPEG data; from there on it is guessed' };
    if (extension !== undefined)
      yield { kind: 'extension', files: [path], why: `${known.kind(index)} by the name of .${extension}` };
    // Drawings of lines are drawn at the size asked for.
    const isTiny = (width < least.width || height < least.height) && known.kind(index) !== 'SVG';
    if (isTiny) yield { kind: 'tiny', files: [path], why: size };
    if (Math.max(width, height) >= extremeAspect * Math.min(width, height))
      yield { kind: 'aspect', files: [path], why: size };
    if (known.uniform[index]) yield { kind: 'uniform', files: [path], why: 'one even colour' };
  }
}

export interface Lookalikes {
  findings: Finding[];
  /** What the split keeps together. */
  groups: number;
  picturesInGroups: number;
}

/** Pictures that are there twice or look the same, but for what augment made. */
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
  // As in training: copies that augment made make no class larger.
  const labels = Int32Array.from(pictures.labels, (label, index) => (generated[index] ? -1 : label));
  joinNearDuplicates(visible(known, compared), alike, labels);
  const groups = groupsOf(alike, compared);
  for (const members of groups) findings.push(...describeAlike(pictures, members, same));
  const picturesInGroups = groups.reduce((sum, members) => sum + members.length, 0);
  return { findings, groups: groups.length, picturesInGroups };
}

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

/** The fingerprints with those of all other pictures blank. */
function visible(known: Inspections, compared: number[]): Uint8Array {
  if (compared.length === known.size.length) return known.fingerprints;
  const records = new Uint8Array(known.fingerprints.length);
  const bytes = known.fingerprint(0).length;
  for (const index of compared) records.set(known.fingerprint(index), index * bytes);
  return records;
}

/** The sets of two and more. */
function groupsOf(sets: DisjointSets, members: number[]): number[][] {
  const groups = new Map<number, number[]>();
  for (const member of members) {
    const least = sets.find(member);
    if (least === member) continue;
    const group = groups.get(least);
    if (group) group.push(member);
    else groups.set(least, [least, member]);
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

/** A group that looks the same, one of each file; nothing where all are the same file. */
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

export function countClasses({ classes, labels }: Pictures, generated: Uint8Array): ClassCount[] {
  const counts = classes.map((name) => ({ name, pictures: 0, generated: 0 }));
  for (const [index, label] of labels.entries()) {
    const count = counts[label] as ClassCount;
    count.pictures++;
    count.generated += generated[index] as number;
  }
  return counts;
}

/** Own pictures of a class, below which a fifth of them says nothing about how well a network does. */
const minPictures = 10;

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

export function findImbalance(counts: ClassCount[]): Finding[] {
  const [largest, smallest] = [...counts]
    .sort((a, b) => b.pictures - a.pictures)
    .filter((_, i, all) => {
      return i === 0 || i === all.length - 1;
    });
  if (!largest || !smallest || largest.pictures < unequal * smallest.pictures) return [];
  const [many, few] = [largest, smallest].map(
    ({ name, pictures }) => `${JSON.stringify(name)} has ${counted(pictures, 'picture')}`,
  );
  return [{ kind: 'imbalance', files: [], why: `${many}, ${few}` }];
}
