import { sourceOf } from '../images/generated.ts';
import type { Picture } from './scan.ts';
import { shuffle } from './shuffle.ts';

export interface Split {
  /** Indexes into the pictures. */
  train: number[];
  validation: number[];
}

/** A picture and the copies augmented from it are one group. */
function groupsOf(pictures: Picture[], label: number): number[][] {
  const groups = new Map<string, number[]>();
  for (const [index, picture] of pictures.entries()) {
    if (picture.label !== label) continue;
    const source = sourceOf(picture.file);
    groups.set(source, [...(groups.get(source) ?? []), index]);
  }
  return [...groups.values()];
}

/**
 * Holds back `share` of each class for validation, by seed. A picture and its augmented copies are never
 * parted, since a network that has seen one knows the other; a class of one source stays in training.
 */
export function splitPictures(pictures: Picture[], classes: number, share: number, seed: number): Split {
  const split: Split = { train: [], validation: [] };
  for (let label = 0; label < classes; label++) {
    const groups = shuffle(groupsOf(pictures, label), `${seed}/split/${label}`);
    const wanted = Math.round(groups.length * share);
    const held = share === 0 ? 0 : Math.min(Math.max(wanted, 1), groups.length - 1);
    split.validation.push(...groups.slice(0, held).flat());
    split.train.push(...groups.slice(held).flat());
  }
  return { train: split.train.sort((a, b) => a - b), validation: split.validation.sort((a, b) => a - b) };
}
