import { createHash } from 'node:crypto';
import { DisjointSets } from '../images/disjoint_sets.ts';
import type { Picture } from './scan.ts';

/**
 * Indexes into the pictures. Some are on neither side: copies that augment made of what is held back, and what looks
 * the same as pictures of both sides.
 */
export interface Split {
  train: number[];
  /** The owner's own pictures alone, no copies that augment made. */
  validation: number[];
}

export type Side = keyof Split;

export interface SplitOptions {
  /** How many classes there are. */
  classes: number;
  /** Share of each class to hold back for validation, from 0 to 0.9. */
  share: number;
  seed: number;
  /** The first picture that looks the same as each picture, itself where there is none. */
  lookalikes?: ArrayLike<number> | undefined;
  /** The side that an earlier part of the same training had each picture on: it stays there. */
  sides?: (Side | undefined)[] | undefined;
}

/** Pictures that are not to be parted, by their indexes. */
interface Group {
  /** The owner's own, and what augment made of them. */
  own: number[];
  copies: number[];
  /** How many of its own pictures each class has; most groups have one class. */
  counts: Map<number, number>;
  /** From 0 to 1, by the seed and what its pictures are, not by what else there is. */
  draw: number;
}

/** From 0 to 1, evenly. */
function drawOf({ file, digest }: Picture, seed: number): number {
  const hash = createHash('sha256')
    .update(`${seed}/split/${digest ?? file}`)
    .digest();
  return hash.readUIntBE(0, 6) / 2 ** 48;
}

/**
 * Groups over all classes: a picture and the copies augmented from it, and whatever is the same file or looks the same,
 * directly or through others.
 */
function groupsOf(pictures: Picture[], { seed, lookalikes = [] }: SplitOptions): Group[] {
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
  const groups = new Map<number, Group>();
  for (const [index, picture] of pictures.entries()) {
    const least = sets.find(index);
    const group: Group = groups.get(least) ?? { own: [], copies: [], counts: new Map(), draw: 1 };
    groups.set(least, group);
    if (picture.copyOf !== undefined) {
      group.copies.push(index);
      continue;
    }
    group.own.push(index);
    group.counts.set(picture.label, (group.counts.get(picture.label) ?? 0) + 1);
    group.draw = Math.min(group.draw, drawOf(picture, seed));
  }
  return [...groups.values()];
}

function countLabels(pictures: Picture[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const { label } of pictures) counts[label] = (counts[label] as number) + 1;
  return counts;
}

/**
 * By how much of what is wanted the number held back may be off, so that pictures keep their sides as others come.
 */
const slack = 1 / 4;

/** What is held back so far, and how far it is from what is wanted, in the owner's pictures of each class. */
class HeldBack {
  readonly groups = new Set<Group>();
  readonly #wanted: number[];
  readonly #held: number[];
  /** Pictures of each class that stay in training. */
  readonly #left: number[];

  /** @param before pictures of each class whose side is known. */
  constructor(groups: Group[], { classes, share }: SplitOptions, before: Record<Side, number[]>) {
    const counts = new Array<number>(classes).fill(0);
    for (const group of groups)
      for (const [label, count] of group.counts) counts[label] = (counts[label] as number) + count;
    // A class that can be on both sides is.
    this.#wanted = counts.map((count, label) =>
      Math.max((before.validation[label] as number) > 0 ? 0 : 1, count * share),
    );
    this.#held = counts.map(() => 0);
    this.#left = counts.map((count, label) => count + (before.train[label] as number));
  }

  #missing(label: number): number {
    return (this.#wanted[label] as number) - (this.#held[label] as number);
  }

  #slack(label: number): number {
    return Math.max(0.5, slack * (this.#wanted[label] as number));
  }

  /** Whether it can be held back and no class is then so far over what is wanted. */
  fits(group: Group, over: (label: number) => number): boolean {
    const counts = [...group.counts];
    return (
      counts.every(([label, count]) => count <= this.#missing(label) + over(label)) && this.leavesSome(group)
    );
  }

  /** Whether it can be held back by its draw alone, and the share of no class is then far over what is wanted. */
  fitsAsDrawn(group: Group): boolean {
    return this.fits(group, (label) => this.#slack(label));
  }

  /** Whether a class of it is far below what is wanted, and none comes over it. */
  isNeeded(group: Group): boolean {
    const isShort = [...group.counts.keys()].some((label) => this.#missing(label) > this.#slack(label));
    return isShort && this.fits(group, () => 0.5);
  }

  /** Whether all classes together are far from what is wanted, and come nearer to it. */
  helps(group: Group): boolean {
    let gain = 0;
    let isShort = false;
    for (const [label, count] of group.counts) {
      const missing = this.#missing(label);
      isShort ||= missing > this.#slack(label);
      gain += Math.abs(missing) - Math.abs(missing - count);
    }
    return isShort && gain > 0 && this.leavesSome(group);
  }

  /** Whether every class would still have something to train on. */
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

  /** Classes of which something is to be held back, and nothing is. */
  empty(): number[] {
    return [...this.#held.keys()].filter((label) => this.#held[label] === 0 && this.#missing(label) >= 1);
  }
}

/** Chooses what to hold back of groups whose side is open. */
function holdBack(groups: Group[], options: SplitOptions, before: Record<Side, number[]>): Set<Group> {
  const held = new HeldBack(groups, options, before);
  const drawn = groups.toSorted((a, b) => a.draw - b.draw);
  for (const group of drawn) if (group.draw < options.share && held.fitsAsDrawn(group)) held.add(group);
  // Where chance gave far too few, the next ones; then what is too large, but still nearer to what is wanted than nothing.
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

/** The sides that a group's pictures were on, copies too. */
function sidesOf({ own, copies }: Group, sides: (Side | undefined)[]): Set<Side> {
  return new Set([...own, ...copies].flatMap((index) => sides[index] ?? []));
}

/**
 * Holds back `share` of the owner's pictures of each class for validation, by the seed. Which, depends on each picture
 * itself: the others keep their sides as pictures come, go and are renamed, but for one or two of a small class that
 * would be too far from its share. A picture, its augmented copies and whatever looks the same are never parted, since
 * a network that has seen one knows the others; that holds over classes too. So the shares are as near as whole groups
 * allow; a class of one group stays in training.
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
  const held = holdBack(open, options, { train: known('train'), validation: known('validation') });

  const chosen = new Array<Side | undefined>(pictures.length);
  for (const { group, before } of groups) {
    const [side] = before.size === 0 ? ([held.has(group) ? 'validation' : 'train'] as const) : before;
    // What was on both sides stays there; what looks the same as either may be on none.
    for (const index of [...group.own, ...group.copies])
      chosen[index] = before.size === 2 ? sides[index] : side;
  }
  const on = (side: Side) => [...pictures.keys()].filter((index) => chosen[index] === side);
  return {
    train: on('train'),
    validation: on('validation').filter((index) => pictures[index]?.copyOf === undefined),
  };
}

/** The classes of which less than half of `share` could be held back, and how much could, from 0 to 1. */
export function fallShort(
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
