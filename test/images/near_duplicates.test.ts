import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import { DisjointSets } from '../../src/images/disjoint_sets.ts';
import { fingerprintBytes, hashBits, hashWords, similarityOf } from '../../src/images/fingerprint.ts';
import { joinNearDuplicates } from '../../src/images/near_duplicates.ts';

const hashBytes = hashWords * 4;
const detailStart = fingerprintBytes - 256;

function distance(one: Uint8Array, other: Uint8Array): number {
  let bits = 0;
  for (let at = 0; at < hashBytes; at++)
    for (
      let differing = (one[at] as number) ^ (other[at] as number);
      differing > 0;
      differing &= differing - 1
    )
      bits++;
  return bits;
}

/** Compares all with all. */
function compareAll(records: Uint8Array[], labels: number[] = records.map(() => 0)): Int32Array {
  const all = new Int8Array(Buffer.concat(records));
  const copies = new DisjointSets(records.length);
  const alike = new DisjointSets(records.length);
  for (const [i, one] of records.entries())
    for (const [j, other] of records.entries()) {
      const similarity = i === j || distance(one, other) > 11 ? 'different' : similarityOf(all, i, j);
      if (similarity !== 'different') alike.join(i, j);
      if (similarity === 'copies') copies.join(i, j);
    }
  const groups = copies.representatives();
  for (const set of new Set(alike.representatives())) {
    const members = [...records.keys()].filter((index) => alike.find(index) === set);
    const shareOf = (label: number) => {
      const ofClass = (index: number) => labels[index] === label;
      return members.filter(ofClass).length / [...labels.keys()].filter(ofClass).length;
    };
    const isSmall = members.every((index) => shareOf(labels[index] as number) <= 1 / 4);
    if (isSmall || new Set(members.map((index) => groups[index])).size <= 4)
      for (const index of members) copies.join(set, index);
  }
  return copies.representatives();
}

function search(records: Uint8Array[], labels?: number[]): Int32Array {
  const sets = new DisjointSets(records.length);
  joinNearDuplicates(Buffer.concat(records), sets, labels);
  return sets.representatives();
}

/** Records around a few middles, from the very same to those that are just too far; few bits set or many. */
function scatter(seed: number, count: number, middles: number, share: number): Uint8Array[] {
  const random = seedrandom(String(seed));
  const middle = () => {
    const record = new Uint8Array(fingerprintBytes);
    for (let bit = 0; bit < hashBits; bit++)
      if (random() < share) record[bit >> 3] = (record[bit >> 3] as number) | (1 << (bit & 7));
    for (let at = hashBytes; at < fingerprintBytes; at++) record[at] = random() * 256;
    return record;
  };
  const all = Array.from({ length: middles }, middle);
  return Array.from({ length: count }, () => {
    const record = (all[Math.floor(random() * middles)] as Uint8Array).slice();
    for (let flips = Math.floor(random() * 14); flips > 0; flips--) {
      const bit = Math.floor(random() * hashBits);
      record[bit >> 3] = (record[bit >> 3] as number) ^ (1 << (bit & 7));
    }
    const noise = random() * 60;
    const noiseOfDetail = random() < 0.5 ? 1 : 60;
    for (let at = hashBytes; at < fingerprintBytes; at++)
      record[at] = Math.max(
        -127,
        Math.min(
          127,
          (((record[at] as number) << 24) >> 24) +
            (at < detailStart ? noise : noiseOfDetail) * (random() - 0.5),
        ),
      );
    return record;
  });
}

test('the search finds the same pairs as comparing all with all', () =>
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 80 }),
      fc.integer({ min: 1, max: 8 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (seed, count, middles, share) => {
        const records = scatter(seed, count, middles, share);
        assert.deepEqual(search(records), compareAll(records));
        const labels = records.map((_, index) => index % 3);
        assert.deepEqual(search(records, labels), compareAll(records, labels));
      },
    ),
    { numRuns: 200 },
  ));

test('a chain of small steps is one set', () => {
  const [first] = scatter(1, 1, 1, 0.5) as [Uint8Array];
  const records = Array.from({ length: 12 }, (_, step) => {
    const record = first.slice();
    for (let bit = 0; bit < step * 9; bit++)
      record[bit >> 3] = (record[bit >> 3] as number) ^ (1 << (bit & 7));
    return record;
  });
  assert.ok(distance(first, records[11] as Uint8Array) > 90);
  assert.deepEqual(search(records), new Int32Array(12));
});

test('a hundred thousand copies, film frames and plain pictures take no more work than others', () => {
  const film = scatter(2, 300, 1, 0.3);
  const count = 100_000;
  const records = new Uint8Array(count * fingerprintBytes);
  for (let index = 0; index < count / 2; index++)
    records.set(film[index % 300] as Uint8Array, index * fingerprintBytes);
  const sets = new DisjointSets(count);
  joinNearDuplicates(records, sets);
  const few = search(film);
  const found = sets.representatives();
  for (let index = 0; index < count; index++)
    assert.equal(found[index], index < count / 2 ? few[index % 300] : index);
});
