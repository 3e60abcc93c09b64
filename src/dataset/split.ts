import { DisjointSets } from '../disjoint_sets.ts';
import type { Picture } from './scan.ts';
import { shuffle } from './shuffle.ts';

export interface Split {
  /** Indexes into the pictures. */
  train: number[];
  validation: number[];
}

export interface SplitOptions {
  /** How many classes there are. */
  classes: number;
  /** Share of each class to hold back for validation, from 0 to 0.9. */
  share: number;
  seed: number;
  /** The first picture that looks the same as each picture, itself where there is none. */
  lookalikes?: ArrayLike<number>;
}

/** Indexes of pictures that are not to be parted. */
type Group = number[];

/**
 * Groups over all classes: a picture and the copies augmented from it, and whatever looks the same, directly or through
 * others.
 */
function groupsOf(pictures: Picture[], lookalikes: ArrayLike<number> = []): Group[] {
  const sets = new DisjointSets(pictures.length);
  const sources = new Map<string, number>();
  for (const [index, { file, source = file }] of pictures.entries()) {
    sets.join(index, lookalikes[index] ?? index);
    const first = sources.get(source);
    if (first === undefined) sources.set(source, index);
    else sets.join(index, first);
  }
  const groups = new Map<number, Group>();
  for (const index of pictures.keys()) {
    const least = sets.find(index);
    const group = groups.get(least);
    if (group) group.push(index);
    else groups.set(least, [index]);
  }
  return [...groups.values()];
}

function countLabels(pictures: Picture[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const { label } of pictures) counts[label] = (counts[label] as number) + 1;
  return counts;
}

/** What is held back so far, and how far it is from what is wanted, in pictures of each class. */
class HeldBack {
  readonly groups = new Set<Group>();
  readonly #pictures: Picture[];
  readonly #counts: number[];
  readonly #missing: number[];
  /** Pictures of each class that stay in training. */
  readonly #left: number[];

  constructor(pictures: Picture[], { classes, share }: SplitOptions) {
    this.#pictures = pictures;
    this.#counts = countLabels(pictures, classes);
    this.#left = [...this.#counts];
    // A class that can be on both sides is.
    this.#missing = this.#counts.map((count) => Math.max(1, Math.round(count * share)));
  }

  /** How many pictures of each class a group has; most have one class. */
  countsOf(group: Group): Map<number, number> {
    const counts = new Map<number, number>();
    for (const index of group) {
      const { label } = this.#pictures[index] as Picture;
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    return counts;
  }

  /** Whether it can be held back and no class is then over what is wanted. */
  fits(group: Group): boolean {
    const counts = [...this.countsOf(group)];
    return (
      counts.every(([label, count]) => count <= (this.#missing[label] as number)) && this.leavesSome(group)
    );
  }

  /** Whether all classes together come nearer to what is wanted. */
  helps(group: Group): boolean {
    let gain = 0;
    for (const [label, count] of this.countsOf(group)) {
      const missing = this.#missing[label] as number;
      gain += Math.abs(missing) - Math.abs(missing - count);
    }
    return gain > 0 && this.leavesSome(group);
  }

  /** Whether every class would still have something to train on. */
  leavesSome(group: Group): boolean {
    return [...this.countsOf(group)].every(([label, count]) => count < (this.#left[label] as number));
  }

  add(group: Group): void {
    this.groups.add(group);
    for (const [label, count] of this.countsOf(group)) {
      this.#missing[label] = (this.#missing[label] as number) - count;
      this.#left[label] = (this.#left[label] as number) - count;
    }
  }

  /** Classes of which nothing is held back. */
  empty(): number[] {
    return [...this.#counts.keys()].filter((label) => this.#left[label] === this.#counts[label]);
  }
}

/**
 * Holds back `share` of the pictures of each class for validation, by seed. A picture, its augmented copies and
 * whatever looks the same are never parted, since a network that has seen one knows the others; that holds over
 * classes too. So the shares are as near as whole groups allow; a class of one group stays in training.
 */
export function splitPictures(pictures: Picture[], options: SplitOptions): Split {
  const { share, seed, lookalikes } = options;
  const groups = share === 0 ? [] : shuffle(groupsOf(pictures, lookalikes), `${seed}/split`);
  const held = new HeldBack(pictures, options);
  for (const group of groups) if (held.fits(group)) held.add(group);
  // What is too large for what is wanted may still be nearer to it than nothing.
  for (const group of groups) if (!held.groups.has(group) && held.helps(group)) held.add(group);
  for (const label of held.empty()) {
    const smallest = groups
      .filter((group) => held.countsOf(group).has(label) && held.leavesSome(group))
      .sort((a, b) => a.length - b.length)[0];
    if (smallest) held.add(smallest);
  }
  const validation = [...held.groups].flat().sort((a, b) => a - b);
  const heldBack = new Set(validation);
  return { train: [...pictures.keys()].filter((index) => !heldBack.has(index)), validation };
}

/** The classes of which less than half of `share` could be held back, and how much could, from 0 to 1. */
export function fallShort(
  pictures: Picture[],
  { train, validation }: Split,
  { classes, share }: Pick<SplitOptions, 'classes' | 'share'>,
): { label: number; held: number }[] {
  const labelsOf = (indexes: number[]) => indexes.map((index) => pictures[index] as Picture);
  const [trained, held] = [countLabels(labelsOf(train), classes), countLabels(labelsOf(validation), classes)];
  return held
    .map((count, label) => ({ label, held: count / (count + (trained[label] as number)) }))
    .filter((one) => one.held < share / 2);
}
