import { DisjointSets } from './disjoint_sets.ts';
import { fingerprintBytes, hashBits, hashWords, nearBits, similarityOf } from './fingerprint.ts';

/**
 * Multi-index hashing (Norouzi, Punjani, Fleet 2012): the bits are dealt to bands, and of two hashes that differ in at
 * most 11 of them, at least one of six bands differs in at most one bit. So each picture only meets those that share a
 * band with it or nearly do.
 */
const bandCount = Math.ceil((nearBits + 1) / 2);

/**
 * Groups of copies that look alike are one group as long as they are so few, or hold no more of the pictures of any
 * class: beyond, what they share is a layout, such as that of a microscope, a form or a digit.
 */
const maxAlike = 4;
const maxShareOfClass = 1 / 4;
/** Pictures that look alike to one and are no copies of it, after which no more of them are looked through. */
const maxComparisons = 4096;

/** Sets of copies lie within sets of what looks alike. */
type Kind = 'copies' | 'alike';

interface Band {
  /** Positions in the hash of the band's bits. */
  bits: number[];
  /** The band's value of each picture. */
  keys: Uint32Array;
  /** Where the pictures of a value begin in `members`. */
  starts: Uint32Array;
  /** How many of them are in so far. */
  filled: Uint32Array;
  members: Uint32Array;
  /** The members' hashes beside them, so that looking through a bucket reads memory in order. */
  hashes: Uint32Array;
  /** From each place, where to go on for a picture that is in this place's set: all in between are too. */
  skips: Record<Kind, Uint32Array>;
}

/**
 * Bits by how evenly they part these pictures, dealt out in turn: bits that are nearly always 0 would leave a band with
 * one bucket for all.
 */
function dealBits(hashes: Uint32Array, count: number): number[][] {
  const set = new Float64Array(hashBits);
  for (let picture = 0; picture < count; picture++)
    for (let bit = 0; bit < hashBits; bit++) set[bit] = (set[bit] as number) + bitOf(hashes, picture, bit);
  const positions = Array.from(set.keys());
  const unevenness = (bit: number) => Math.abs((set[bit] as number) - count / 2);
  positions.sort((a, b) => unevenness(a) - unevenness(b) || a - b);
  // A few pictures need no large tables; what is true of a band is true of a part of it.
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
    for (const [place, bit] of bits.entries()) key |= bitOf(hashes, picture, bit) << place;
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
  /** The pictures that are searched: no plain ones, and of those with the very same fingerprint the first. */
  pictures: Uint32Array;
  /** Of each of these. */
  hashes: Uint32Array;
  sets: Record<Kind, DisjointSets>;
  /** Comparisons that the picture in hand may still have in vain. */
  left: number;
}

/**
 * Joins the sets of pictures that look the same, directly or through others. Plain pictures join nothing.
 *
 * It finds what comparing all with all finds, up to thousands of pictures of one layout. Thousands of copies cost little
 * more than one: those with the very same fingerprint are searched once, and what is in a picture's set already is
 * passed over.
 * @param records the pictures' fingerprints, one after the other.
 * @param labels class of each picture; absent: all are of one.
 */
export function joinNearDuplicates(
  records: Uint8Array,
  sets: DisjointSets,
  labels?: ArrayLike<number>,
): void {
  const search = beginSearch(records, sets);
  const { hashes, pictures } = search;
  const bands = dealBits(hashes, pictures.length).map((bits) => createBand(bits, hashes, pictures.length));
  for (let place = 0; place < pictures.length; place++) {
    search.left = maxComparisons;
    for (const band of bands) {
      const key = band.keys[place] as number;
      joinWithBucket(search, band, key, place);
      for (let bit = 0; bit < band.bits.length; bit++) joinWithBucket(search, band, key ^ (1 << bit), place);
    }
    for (const band of bands) insert(band, search, place);
  }
  joinAlike(search.sets, labels);
}

function beginSearch(records: Uint8Array, copies: DisjointSets): Search {
  const pictures = joinIdentical(records, copies);
  const alike = new DisjointSets(copies.count);
  for (let picture = 0; picture < copies.count; picture++) alike.join(picture, copies.find(picture));
  const hashes = new Uint32Array(pictures.length * hashWords);
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  for (const [place, picture] of pictures.entries())
    for (let word = 0; word < hashWords; word++)
      hashes[place * hashWords + word] = view.getUint32(picture * fingerprintBytes + word * 4, true);
  const signed = new Int8Array(records.buffer, records.byteOffset, records.byteLength);
  return { records: signed, pictures, hashes, sets: { copies, alike }, left: 0 };
}

/** Joins groups of copies that look alike, where these are few. */
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

/** Joins pictures of the very same fingerprint. @returns the first of each, leaving out plain ones. */
function joinIdentical(records: Uint8Array, sets: DisjointSets): Uint32Array {
  const firsts: number[] = [];
  // Open addressing: a picture's index plus 1 at the place that its fingerprint hashes to, or after it.
  const table = new Uint32Array(2 ** Math.ceil(Math.log2(2 * sets.count + 2)));
  for (let picture = 0; picture < sets.count; picture++) {
    if (isPlain(records, picture)) continue;
    let at = mix(records, picture) & (table.length - 1);
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

/** FNV-1a of a fingerprint. */
function mix(records: Uint8Array, picture: number): number {
  let hash = 0x811c9dc5;
  const start = picture * fingerprintBytes;
  for (let at = start; at < start + fingerprintBytes; at++)
    hash = Math.imul(hash ^ (records[at] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}

function joinWithBucket(search: Search, band: Band, key: number, place: number): void {
  const filled = band.filled[key] as number;
  if (filled === 0) return;
  const { pictures, hashes: own } = search;
  const { members, hashes } = band;
  const first = own[place * hashWords] as number;
  const second = own[place * hashWords + 1] as number;
  const third = own[place * hashWords + 2] as number;
  const fourth = own[place * hashWords + 3] as number;
  const picture = pictures[place] as number;
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
    at = kind === undefined ? at + 1 : passOver(search, band, { kind, from: at, end });
  }
}

/** Joins two pictures whose bits are near. @returns the set that what follows may be passed over in. */
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

/** The first place from here on that is not known to be of the same set as this one; lengthens what is known. */
function passOver(
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

function insert(band: Band, { hashes }: Search, place: number): void {
  const key = band.keys[place] as number;
  const filled = band.filled[key] as number;
  const at = (band.starts[key] as number) + filled;
  band.filled[key] = filled + 1;
  band.members[at] = place;
  band.skips.copies[at] = at + 1;
  band.skips.alike[at] = at + 1;
  for (let word = 0; word < hashWords; word++)
    band.hashes[at * hashWords + word] = hashes[place * hashWords + word] as number;
}
