import { DisjointSets } from './disjoint_sets.ts';
import { fingerprintBytes, hashBits, hashWords, nearBits, similarityOf } from './fingerprint.ts';

/**
 * Multi-index hashing (Norouzi, Punjani, Fleet 2012): the bits are split into six bands. Where two hashes differ in at most 11
 * bits, at least one band differs in at most one bit. So each picture is only compared with those that share a band with
 * it, or all but one bit of a band.
 */
const bandCount = Math.ceil((nearBits + 1) / 2);

/**
 * Groups of copies that look alike are merged only if they are at most this many, or hold at most this share of each class.
 * More of them share a layout rather than a subject, such as that of a microscope, a form or a digit.
 */
const maxAlike = 4;
const maxShareOfClass = 1 / 4;
/** After this many alike pictures that are not copies, a picture is not compared with more of them. */
const maxComparisons = 4096;

/** Each set of copies is part of a set of pictures that look alike. */
type Kind = 'copies' | 'alike';

interface Band {
  /** Positions of the band's bits in the hash. */
  bits: number[];
  /** Each picture's value of the band. */
  keys: Uint32Array;
  /** For each value: where its pictures (its bucket) begin in `members`. */
  starts: Uint32Array;
  /** For each value: number of pictures inserted so far. */
  filled: Uint32Array;
  members: Uint32Array;
  /** The members' hashes, so that scanning a bucket reads memory in order. */
  hashes: Uint32Array;
  /** For each member: index of the next one that may be in another set. All in between are in the same set. */
  skips: Record<Kind, Uint32Array>;
}

/**
 * Deals the bits to the bands in turn, those that split the pictures most evenly first: a band of bits that are nearly always
 * 0 would have one bucket for all.
 */
function dealBits(hashes: Uint32Array, count: number): number[][] {
  const set = new Float64Array(hashBits);
  for (let picture = 0; picture < count; picture++)
    for (let bit = 0; bit < hashBits; bit++) set[bit] = (set[bit] as number) + bitOf(hashes, picture, bit);
  const positions = Array.from(set.keys());
  const unevenness = (bit: number) => Math.abs((set[bit] as number) - count / 2);
  positions.sort((a, b) => unevenness(a) - unevenness(b) || a - b);
  // Few pictures need no large tables, and the guarantee for a band also holds for a part of it.
  const useful = Math.ceil(Math.log2(count + 1)) + 2;
  return Array.from({ length: bandCount }, (_, band) =>
    positions.filter((_, i) => i % bandCount === band).slice(0, useful),
  );
}

function bitOf(hashes: Uint32Array, picture: number, bit: number): number {
  return ((hashes[picture * hashWords + (bit >> 5)] as number) >>> (bit & 31)) & 1;
}

function createBand(bits: number[], hashes: Uint32Array, count: number): Band {
  const keys = new Uint32Array(count);
  const starts = new Uint32Array((1 << bits.length) + 1);
  for (let picture = 0; picture < count; picture++) {
    let key = 0;
    for (const [index, bit] of bits.entries()) key |= bitOf(hashes, picture, bit) << index;
    keys[picture] = key;
    starts[key + 1] = (starts[key + 1] as number) + 1;
  }
  for (let key = 0; key < starts.length - 1; key++)
    starts[key + 1] = (starts[key + 1] as number) + (starts[key] as number);
  return {
    bits,
    keys,
    starts,
    filled: new Uint32Array(1 << bits.length),
    members: new Uint32Array(count),
    hashes: new Uint32Array(count * hashWords),
    skips: { copies: new Uint32Array(count), alike: new Uint32Array(count) },
  };
}

function bitsSet(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function isPlain(records: Uint8Array, picture: number): boolean {
  const start = picture * fingerprintBytes + hashWords * 4;
  for (let at = start; at < start + fingerprintBytes - hashWords * 4; at++)
    if (records[at] !== 0) return false;
  return true;
}

function areIdentical(records: Uint8Array, one: number, other: number): boolean {
  const [a, b] = [one * fingerprintBytes, other * fingerprintBytes];
  for (let at = 0; at < fingerprintBytes; at++) if (records[a + at] !== records[b + at]) return false;
  return true;
}

interface Search {
  /** Every picture's fingerprint. */
  records: Int8Array;
  /** Indices of the pictures to search: no plain ones, and only the first of those with identical fingerprints. */
  pictures: Uint32Array;
  /** The hash of each of these, uint32 [pictures, hashWords]. */
  hashes: Uint32Array;
  sets: Record<Kind, DisjointSets>;
  /** How many more alike pictures that are not copies the current picture is compared with. */
  left: number;
}

/**
 * Joins the sets of pictures that look the same, directly or through others. Plain pictures, whose fingerprint is zero, stay
 * alone.
 *
 * The result is that of comparing every pair, for up to thousands of pictures of one layout. Thousands of copies cost little
 * more than one: identical fingerprints are searched once, and members of a picture's own set are skipped.
 * @param records fingerprints, uint8 [count, fingerprintBytes].
 * @param sets sets of pictures, by index; they are changed.
 * @param labels class index of each picture; by default all are of one class.
 */
export function joinNearDuplicates(
  records: Uint8Array,
  sets: DisjointSets,
  labels?: ArrayLike<number>,
): void {
  const search = beginSearch(records, sets);
  const { hashes, pictures } = search;
  const bands = dealBits(hashes, pictures.length).map((bits) => createBand(bits, hashes, pictures.length));
  for (let index = 0; index < pictures.length; index++) {
    search.left = maxComparisons;
    for (const band of bands) {
      const key = band.keys[index] as number;
      joinWithBucket(search, band, key, index);
      for (let bit = 0; bit < band.bits.length; bit++) joinWithBucket(search, band, key ^ (1 << bit), index);
    }
    for (const band of bands) insert(band, search, index);
  }
  joinAlike(search.sets, labels);
}

function beginSearch(records: Uint8Array, copies: DisjointSets): Search {
  const pictures = joinIdentical(records, copies);
  const alike = new DisjointSets(copies.count);
  for (let picture = 0; picture < copies.count; picture++) alike.join(picture, copies.find(picture));
  const hashes = new Uint32Array(pictures.length * hashWords);
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  for (const [index, picture] of pictures.entries())
    for (let word = 0; word < hashWords; word++)
      hashes[index * hashWords + word] = view.getUint32(picture * fingerprintBytes + word * 4, true);
  const signed = new Int8Array(records.buffer, records.byteOffset, records.byteLength);
  return { records: signed, pictures, hashes, sets: { copies, alike }, left: 0 };
}

/** Joins the groups of copies that look alike, where they are few. */
function joinAlike({ copies, alike }: Record<Kind, DisjointSets>, labels: ArrayLike<number> = []): void {
  const labelOf = (picture: number) => labels[picture] ?? 0;
  const classes = new Map<number, number>();
  const layouts = new Map<number, { groups: Set<number>; counts: Map<number, number> }>();
  const countOne = (counts: Map<number, number>, key: number) => counts.set(key, (counts.get(key) ?? 0) + 1);
  for (let picture = 0; picture < copies.count; picture++) {
    countOne(classes, labelOf(picture));
    const set = alike.find(picture);
    // Most pictures look like no other.
    if (set === picture) continue;
    const layout = layouts.get(set) ?? {
      groups: new Set([copies.find(set)]),
      counts: new Map([[labelOf(set), 1]]),
    };
    layouts.set(set, layout);
    layout.groups.add(copies.find(picture));
    countOne(layout.counts, labelOf(picture));
  }
  for (const [set, { groups, counts }] of layouts) {
    const isSmall = [...counts].every(
      ([label, count]) => count <= maxShareOfClass * (classes.get(label) as number),
    );
    if (groups.size <= maxAlike || isSmall) for (const group of groups) copies.join(set, group);
  }
}

/** Joins pictures with identical fingerprints. @returns the first of each, without plain ones. */
function joinIdentical(records: Uint8Array, sets: DisjointSets): Uint32Array {
  const firsts: number[] = [];
  // Open addressing: a picture's index plus 1, in the slot of its fingerprint's hash or after it.
  const table = new Uint32Array(2 ** Math.ceil(Math.log2(2 * sets.count + 2)));
  for (let picture = 0; picture < sets.count; picture++) {
    if (isPlain(records, picture)) continue;
    let at = hashOf(records, picture) & (table.length - 1);
    while (table[at] !== 0 && !areIdentical(records, picture, (table[at] as number) - 1))
      at = (at + 1) & (table.length - 1);
    if (table[at] !== 0) {
      sets.join((table[at] as number) - 1, picture);
    } else {
      table[at] = picture + 1;
      firsts.push(picture);
    }
  }
  return Uint32Array.from(firsts);
}

/** FNV-1a hash of a fingerprint. */
function hashOf(records: Uint8Array, picture: number): number {
  let hash = 0x811c9dc5;
  const start = picture * fingerprintBytes;
  for (let at = start; at < start + fingerprintBytes; at++)
    hash = Math.imul(hash ^ (records[at] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}

/** Compares a picture with those in a bucket, and joins it with those that look the same. */
function joinWithBucket(search: Search, band: Band, key: number, index: number): void {
  const filled = band.filled[key] as number;
  if (filled === 0) return;
  const { pictures, hashes: own } = search;
  const { members, hashes } = band;
  const first = own[index * hashWords] as number;
  const second = own[index * hashWords + 1] as number;
  const third = own[index * hashWords + 2] as number;
  const fourth = own[index * hashWords + 3] as number;
  const picture = pictures[index] as number;
  const start = band.starts[key] as number;
  const end = start + filled;
  for (let at = start; at < end; ) {
    const word = at * hashWords;
    const near = bitsSet(first ^ (hashes[word] as number)) + bitsSet(second ^ (hashes[word + 1] as number));
    if (near > nearBits) {
      at++;
      continue;
    }
    const distance =
      near + bitsSet(third ^ (hashes[word + 2] as number)) + bitsSet(fourth ^ (hashes[word + 3] as number));
    if (distance > nearBits) {
      at++;
      continue;
    }
    const other = pictures[members[at] as number] as number;
    const kind = compare(search, picture, other);
    at = kind === undefined ? at + 1 : skipSet(search, band, { kind, from: at, end });
  }
}

/** Joins two pictures whose hashes are near. @returns in which kind of set the following members may be skipped. */
function compare(search: Search, picture: number, other: number): Kind | undefined {
  const { records, sets } = search;
  if (sets.copies.find(picture) === sets.copies.find(other)) return 'copies';
  const areAlike = sets.alike.find(picture) === sets.alike.find(other);
  if (areAlike && search.left === 0) return 'alike';
  const similarity = similarityOf(records, picture, other);
  if (similarity === 'different') return undefined;
  sets.alike.join(picture, other);
  if (similarity === 'copies') {
    sets.copies.join(picture, other);
    return 'copies';
  }
  search.left = Math.max(0, search.left - 1);
  return undefined;
}

/** Index of the next member that may be in another set; notes it for next time. */
function skipSet(
  { pictures, sets }: Search,
  { members, skips }: Band,
  { kind, from, end }: { kind: Kind; from: number; end: number },
): number {
  const known = skips[kind];
  const setAt = (at: number) => sets[kind].find(pictures[members[at] as number] as number);
  const set = setAt(from);
  let at = known[from] as number;
  while (at < end && setAt(at) === set) at = known[at] as number;
  known[from] = at;
  return at;
}

function insert(band: Band, { hashes }: Search, index: number): void {
  const key = band.keys[index] as number;
  const filled = band.filled[key] as number;
  const at = (band.starts[key] as number) + filled;
  band.filled[key] = filled + 1;
  band.members[at] = index;
  band.skips.copies[at] = at + 1;
  band.skips.alike[at] = at + 1;
  for (let word = 0; word < hashWords; word++)
    band.hashes[at * hashWords + word] = hashes[index * hashWords + word] as number;
}
