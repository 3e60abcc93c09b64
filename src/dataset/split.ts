import { createHash } from 'node:crypto';
import { DisjointSets } from '../images/disjoint_sets.ts';
import { type LabelledGroup, stratify } from './iterative_split.ts';
import { labelsOf, type Picture } from './scan.ts';

/**
 * Indices of the pictures on each side. Some are on neither: augmented copies of validation pictures, and pictures that
 * look like others of both sides.
 */
export interface Split {
  train: number[];
  /** Never augmented copies. */
  validation: number[];
}

export type Side = keyof Split;

export interface SplitOptions {
  /** How many classes there are. */
  classes: number;
  /** Share of each class to hold back for validation, 0 to 0.9. */
  share: number;
  seed: number;
  /** For each picture the index of the first one that looks the same, its own if there is none. */
  lookalikes?: ArrayLike<number> | undefined;
  /** The side that each picture had before training was resumed, and keeps; undefined for new ones. */
  sides?: (Side | undefined)[] | undefined;
}

/** Indices of pictures that must stay together. */
interface Group {
  /** The user's own pictures. */
  own: number[];
  /** Copies that augment made of them. */
  copies: number[];
  /** Own pictures by class; most groups have one class. */
  counts: Map<number, number>;
  /** 0 to 1, from the seed and its pictures alone, whatever other pictures there are. */
  draw: number;
}

/** A uniform random number, 0 to 1, from the seed and the picture alone. */
function drawOf({ file, digest }: Picture, seed: number): number {
  const hash = createHash('sha256')
    .update(`${seed}/split/${digest ?? file}`)
    .digest();
  return hash.readUIntBE(0, 6) / 2 ** 48;
}

/**
 * Joins a picture, its augmented copies, and pictures that are the same file or look the same, directly or via others:
 * they must not be on both sides of a split.
 * @param lookalikes for each picture the index of the first one that looks the same, its own if there is none.
 */
export function joinSamePictures(pictures: Picture[], lookalikes: ArrayLike<number> = []): DisjointSets {
  const sets = new DisjointSets(pictures.length);
  const firsts = new Map<string, number>();
  const joinAll = (key: string, index: number) => {
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, index);
    else sets.join(index, first);
  };
  for (const [index, { file, copyOf, digest }] of pictures.entries()) {
    joinAll(`file ${copyOf ?? file}`, index);
    if (digest !== undefined) joinAll(`digest ${digest}`, index);
    if (copyOf === undefined) sets.join(index, lookalikes[index] ?? index);
  }
  return sets;
}

/** Groups of all classes. */
function groupsOf(pictures: Picture[], { seed, lookalikes }: SplitOptions): Group[] {
  const sets = joinSamePictures(pictures, lookalikes);
  const groups = new Map<number, Group>();
  for (const [index, picture] of pictures.entries()) {
    const first = sets.find(index);
    const group: Group = groups.get(first) ?? { own: [], copies: [], counts: new Map(), draw: 1 };
    groups.set(first, group);
    if (picture.copyOf !== undefined) {
      group.copies.push(index);
      continue;
    }
    group.own.push(index);
    for (const label of labelsOf(picture)) group.counts.set(label, (group.counts.get(label) ?? 0) + 1);
    group.draw = Math.min(group.draw, drawOf(picture, seed));
  }
  return [...groups.values()];
}

function countLabels(pictures: Picture[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of pictures.flatMap(labelsOf)) counts[label] = (counts[label] as number) + 1;
  return counts;
}

/**
 * How far the number held back may be from the wanted one, relative to it: pictures then keep their sides as others
 * come.
 */
const tolerance = 1 / 4;

/** The groups held back so far. All counts are of the user's own pictures, by class. */
class HeldBackGroups {
  readonly groups = new Set<Group>();
  /** How many to hold back. */
  readonly #wanted: number[];
  readonly #held: number[];
  /** How many remain for training. */
  readonly #left: number[];

  /** @param before counts of pictures whose side is known. */
  constructor(groups: Group[], { classes, share }: SplitOptions, before: Record<Side, number[]>) {
    const counts = new Array<number>(classes).fill(0);
    for (const group of groups)
      for (const [label, count] of group.counts) counts[label] = (counts[label] as number) + count;
    // At least one picture of each class, as far as possible.
    this.#wanted = counts.map((count, label) =>
      Math.max((before.validation[label] as number) > 0 ? 0 : 1, count * share),
    );
    this.#held = counts.map(() => 0);
    this.#left = counts.map((count, label) => count + (before.train[label] as number));
  }

  #missing(label: number): number {
    return (this.#wanted[label] as number) - (this.#held[label] as number);
  }

  #tolerance(label: number): number {
    return Math.max(0.5, tolerance * (this.#wanted[label] as number));
  }

  /** Whether a group can be held back without any class exceeding the wanted number by more than `excess`. */
  fits(group: Group, excess: (label: number) => number): boolean {
    const counts = [...group.counts];
    return (
      counts.every(([label, count]) => count <= this.#missing(label) + excess(label)) &&
      this.leavesSome(group)
    );
  }

  /** Whether a group that was drawn can be held back: no class then exceeds its tolerance. */
  fitsAsDrawn(group: Group): boolean {
    return this.fits(group, (label) => this.#tolerance(label));
  }

  /** Whether a class of the group is far below the wanted number, and none would exceed it. */
  isNeeded(group: Group): boolean {
    const isShort = [...group.counts.keys()].some((label) => this.#missing(label) > this.#tolerance(label));
    return isShort && this.fits(group, () => 0.5);
  }

  /**
   * Whether a class of the group is far below the wanted number, and all of them together would come closer to it.
   */
  helps(group: Group): boolean {
    let gain = 0;
    let isShort = false;
    for (const [label, count] of group.counts) {
      const missing = this.#missing(label);
      isShort ||= missing > this.#tolerance(label);
      gain += Math.abs(missing) - Math.abs(missing - count);
    }
    return isShort && gain > 0 && this.leavesSome(group);
  }

  /** Whether every class of the group would still have a picture to train on. */
  leavesSome({ counts }: Group): boolean {
    return counts.size > 0 && [...counts].every(([label, count]) => count < (this.#left[label] as number));
  }

  add(group: Group): void {
    this.groups.add(group);
    for (const [label, count] of group.counts) {
      this.#held[label] = (this.#held[label] as number) + count;
      this.#left[label] = (this.#left[label] as number) - count;
    }
  }

  /** Classes of which nothing is held back, and something should be. */
  empty(): number[] {
    return [...this.#held.keys()].filter((label) => this.#held[label] === 0 && this.#missing(label) >= 1);
  }
}

/** Chooses which of the groups without a side to hold back. */
function holdBack(groups: Group[], options: SplitOptions, before: Record<Side, number[]>): Set<Group> {
  const held = new HeldBackGroups(groups, options, before);
  const drawn = groups.toSorted((a, b) => a.draw - b.draw);
  for (const group of drawn) if (group.draw < options.share && held.fitsAsDrawn(group)) held.add(group);
  // Where far too few were drawn, the next ones in order; then larger groups, if that is closer than without them.
  for (const group of drawn) if (!held.groups.has(group) && held.isNeeded(group)) held.add(group);
  for (const group of drawn) if (!held.groups.has(group) && held.helps(group)) held.add(group);
  for (const label of held.empty()) {
    const smallest = drawn
      .filter((group) => group.counts.has(label) && held.leavesSome(group))
      .sort((a, b) => a.own.length - b.own.length)[0];
    if (smallest) held.add(smallest);
  }
  return held.groups;
}

/** A picture's classes and pairs of classes, which are to be in proportion on both sides; one key for pictures without any. */
function keysOf(picture: Picture): string[] {
  const labels = labelsOf(picture);
  const pairs = labels.flatMap((one, index) => labels.slice(index + 1).map((other) => `${one}\0${other}`));
  return labels.length === 0 ? ['none'] : [...labels.map(String), ...pairs];
}

function countKeys(pictures: Picture[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of pictures.flatMap(keysOf)) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** As {@link holdBack}, for pictures that can show several classes. */
function holdBackSets(pictures: Picture[], groups: Group[], { share, sides = [] }: SplitOptions): Set<Group> {
  const before = new Map<string, Record<Side, number>>();
  for (const side of ['train', 'validation'] as const) {
    const known = pictures.filter(({ copyOf }, index) => copyOf === undefined && sides[index] === side);
    for (const [key, count] of countKeys(known))
      before.set(key, { train: 0, validation: 0, ...before.get(key), [side]: count });
  }
  const labelled = groups.map((group): LabelledGroup & { group: Group } => ({
    group,
    draw: group.draw,
    counts: countKeys(group.own.map((index) => pictures[index] as Picture)),
  }));
  return new Set([...stratify(labelled, share, before)].map(({ group }) => group));
}

/** The sides that the pictures of a group, copies included, were on before. */
function sidesOf({ own, copies }: Group, sides: (Side | undefined)[]): Set<Side> {
  return new Set([...own, ...copies].flatMap((index) => sides[index] ?? []));
}

/**
 * Splits the pictures into training and validation: a `share` of the user's own pictures of each class is held back, by
 * the seed. The side of a picture depends on its own bytes, so that pictures keep their sides when others are added,
 * removed or renamed, except for one or two of a small class that would be too far from its share. A picture, its
 * augmented copies and pictures that look the same, of any class, are always on one side: a network trained on one
 * knows the others. So the shares are only as exact as whole groups allow, and a class that is one group stays in
 * training. Where a picture can show several classes, sets of them are kept in proportion instead, and new pictures may
 * change the sides that a new training gives the others.
 */
export function splitPictures(pictures: Picture[], options: SplitOptions): Split {
  const { classes, share, sides = [] } = options;
  if (share === 0) return { train: [...pictures.keys()], validation: [] };
  const groups = groupsOf(pictures, options).map((group) => ({ group, before: sidesOf(group, sides) }));
  const known = (side: Side) =>
    countLabels(
      pictures.filter(({ copyOf }, index) => copyOf === undefined && sides[index] === side),
      classes,
    );
  const open = groups.filter(({ before }) => before.size === 0).map(({ group }) => group);
  const held = pictures.some(({ labels }) => labels)
    ? holdBackSets(pictures, open, options)
    : holdBack(open, options, { train: known('train'), validation: known('validation') });

  const chosen = new Array<Side | undefined>(pictures.length);
  for (const { group, before } of groups) {
    const [side] = before.size === 0 ? ([held.has(group) ? 'validation' : 'train'] as const) : before;
    // A group that was on both sides before keeps them; its new pictures, which look like both, are on neither.
    for (const index of [...group.own, ...group.copies])
      chosen[index] = before.size === 2 ? sides[index] : side;
  }
  const on = (side: Side) => [...pictures.keys()].filter((index) => chosen[index] === side);
  return {
    train: on('train'),
    validation: on('validation').filter((index) => pictures[index]?.copyOf === undefined),
  };
}

/** The classes of which less than half of `share` could be held back, and the share that could, 0 to 1. */
export function underrepresented(
  pictures: Picture[],
  { train, validation }: Split,
  { classes, share }: Pick<SplitOptions, 'classes' | 'share'>,
): { label: number; held: number }[] {
  const count = (indexes: number[]) =>
    countLabels(
      indexes.map((index) => pictures[index] as Picture).filter(({ copyOf }) => copyOf === undefined),
      classes,
    );
  const [trained, held] = [count(train), count(validation)];
  return held
    .map((count, label) => ({ label, held: count / (count + (trained[label] as number) || 1) }))
    .filter((one) => one.held < share / 2);
}
