import { createHash } from 'node:crypto';
import { DisjointSets } from '../images/disjoint_sets.ts';
import { fingerprint, fingerprintBytes } from '../images/fingerprint.ts';
import { joinNearDuplicates } from '../images/near_duplicates.ts';
import type { PictureSize } from '../images/picture_size.ts';
import type { Picture } from './scan.ts';

/** Collects what the pictures look like, to find near duplicates. */
export class Looks {
  readonly #labels: number[];
  readonly #size: PictureSize;
  readonly #fingerprints: Uint8Array;
  /** SHA-256 of the pixels of pictures too plain for a fingerprint; only exact duplicates of these are found. */
  readonly #digests = new Map<number, string>();

  constructor(pictures: Picture[], size: PictureSize) {
    // -1: copies of augment are neither compared nor counted.
    this.#labels = pictures.map(({ label, copyOf }) => (copyOf === undefined ? label : -1));
    this.#size = size;
    this.#fingerprints = new Uint8Array(pictures.length * fingerprintBytes);
  }

  add(index: number, pixels: Uint8Array): void {
    const record = fingerprint(pixels, this.#size);
    this.#fingerprints.set(record, index * fingerprintBytes);
    if (record.every((byte) => byte === 0))
      this.#digests.set(index, createHash('sha256').update(pixels).digest('base64'));
  }

  lookalikes(): Int32Array {
    const sets = new DisjointSets(this.#fingerprints.length / fingerprintBytes);
    const firsts = new Map<string, number>();
    for (const [index, digest] of this.#digests) {
      const first = firsts.get(digest);
      if (first === undefined) firsts.set(digest, index);
      else sets.join(first, index);
    }
    joinNearDuplicates(this.#fingerprints, sets, this.#labels);
    return sets.representatives();
  }
}
