import { inflateRawSync } from 'node:zlib';
import { crc32 } from './crc32.ts';

/**
 * Reads zip archives from elsewhere (APPNOTE.TXT 6.3.10, with Zip64, without encryption). Sizes are checked before
 * anything is allocated, and entries may not share bytes, so that an archive cannot expand to more than it says.
 */

export interface ZipEntry {
  name: string;
  /** Bytes, unpacked. */
  size: number;
  /** @throws {RangeError} where its bytes do not fit what the archive says of them. */
  read(): Uint8Array;
}

interface Record extends Omit<ZipEntry, 'read'> {
  isDeflated: boolean;
  packedSize: number;
  crc: number;
  /** Of the local header. */
  offset: number;
}

const signatures = {
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
  entry: 0x02014b50,
  local: 0x04034b50,
};
const endBytes = 22;
const maxCommentBytes = 0xffff;
/** Deflate packs at most 1032 bytes into one. */
const maxRatio = 1032;

function fail(why: string): never {
  throw new RangeError(why);
}

/** Little-endian numbers within the bounds of an archive. */
class View {
  readonly data: Uint8Array;
  readonly #view: DataView;

  constructor(data: Uint8Array) {
    this.data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }
  u16 = (offset: number) => this.#view.getUint16(offset, true);
  u32 = (offset: number) => this.#view.getUint32(offset, true);
  /** @throws {RangeError} above 2^53. */
  u64(offset: number): number {
    const value = Number(this.#view.getBigUint64(offset, true));
    return Number.isSafeInteger(value) ? value : fail('a size in it is beyond 2^53');
  }
}

interface Directory {
  count: number;
  offset: number;
  size: number;
}

/** Finds the directory, which is at the end, before a comment. */
function directoryOf(view: View): Directory {
  const { length } = view.data;
  for (let at = length - endBytes; at >= Math.max(0, length - endBytes - maxCommentBytes); at--) {
    if (view.u32(at) !== signatures.end || view.u16(at + 20) !== length - at - endBytes) continue;
    const locator = at - 20;
    if (locator >= 0 && view.u32(locator) === signatures.locator64)
      return directory64(view, view.u64(locator + 8));
    return { count: view.u16(at + 10), size: view.u32(at + 12), offset: view.u32(at + 16) };
  }
  return fail('it has no directory; it was cut off, or is not a zip archive');
}

function directory64(view: View, at: number): Directory {
  if (at + 56 > view.data.length || view.u32(at) !== signatures.end64) fail('its directory is damaged');
  return { count: view.u64(at + 32), size: view.u64(at + 40), offset: view.u64(at + 48) };
}

/** Replaces the sizes and the offset that do not fit into 32 bits by those of the Zip64 field. */
function zip64(view: View, record: Record, extra: { from: number; to: number }): Record {
  const wide = { ...record };
  const names = (['size', 'packedSize', 'offset'] as const).filter((name) => record[name] === 0xffffffff);
  if (names.length === 0) return wide;
  for (let at = extra.from; at + 4 <= extra.to; at += 4 + view.u16(at + 2)) {
    if (view.u16(at) !== 1) continue;
    if (names.length * 8 > view.u16(at + 2) || at + 4 + view.u16(at + 2) > extra.to) break;
    for (const [index, name] of names.entries()) wide[name] = view.u64(at + 4 + index * 8);
    return wide;
  }
  return fail(`the Zip64 sizes of ${record.name} are missing`);
}

function readRecord(view: View, at: number, end: number): { record: Record; next: number } {
  if (at + 46 > end || view.u32(at) !== signatures.entry) fail('its directory is damaged');
  const [nameBytes, extraBytes, commentBytes] = [
    view.u16(at + 28),
    view.u16(at + 30),
    view.u16(at + 32),
  ] as const;
  const extra = { from: at + 46 + nameBytes, to: at + 46 + nameBytes + extraBytes };
  if (extra.to + commentBytes > end) fail('its directory is damaged');
  const name = Buffer.from(view.data.subarray(at + 46, extra.from)).toString('utf8');
  const method = view.u16(at + 10);
  if (view.u16(at + 8) & 1) fail(`${name} in it is encrypted`);
  if (method !== 0 && method !== 8) fail(`${name} in it is packed with method ${method}, not deflate`);
  const record = {
    name,
    isDeflated: method === 8,
    crc: view.u32(at + 16),
    packedSize: view.u32(at + 20),
    size: view.u32(at + 24),
    offset: view.u32(at + 42),
  };
  return { record: zip64(view, record, extra), next: extra.to + commentBytes };
}

/** Where an entry's packed bytes are. */
function packedRegion(view: View, { name, offset, packedSize }: Record): { from: number; to: number } {
  const { length } = view.data;
  if (offset + 30 > length || view.u32(offset) !== signatures.local) fail(`the header of ${name} is damaged`);
  const from = offset + 30 + view.u16(offset + 26) + view.u16(offset + 28);
  if (from + packedSize > length) fail(`${name} reaches beyond its end`);
  return { from, to: from + packedSize };
}

function unpack(packed: Uint8Array, { name, size, isDeflated, crc }: Record): Uint8Array {
  const data = isDeflated ? inflate(packed, name, size) : packed;
  if (data.length !== size) fail(`${name} has ${data.length} bytes instead of ${size}`);
  if (crc32(data) !== crc) fail(`the checksum of ${name} differs`);
  return data;
}

function inflate(packed: Uint8Array, name: string, size: number): Uint8Array {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) });
  } catch {
    return fail(`${name} cannot be unpacked`);
  }
}

/**
 * The entries of a zip archive by name, without folders; each is unpacked when it is read.
 * @param data may be hostile.
 * @throws {RangeError} saying what is wrong: it was cut off, two entries share bytes or a name, sizes do not fit ...
 */
export function readZip(data: Uint8Array): Map<string, ZipEntry> {
  const view = new View(data);
  const { count, offset, size } = directoryOf(view);
  const end = offset + size;
  if (end > data.length || count * 46 > size) fail('its directory is damaged');
  const entries = new Map<string, ZipEntry>();
  const regions = [{ name: 'the directory', from: offset, to: end }];
  let at = offset;
  for (let index = 0; index < count; index++) {
    const { record, next } = readRecord(view, at, end);
    at = next;
    const { from, to } = packedRegion(view, record);
    const { name, packedSize, isDeflated } = record;
    if (record.size > (isDeflated ? packedSize * maxRatio : packedSize))
      fail(`${name} has ${packedSize} bytes, which cannot hold ${record.size}`);
    regions.push({ name, from: record.offset, to });
    if (name.endsWith('/')) continue;
    if (entries.has(name)) fail(`it holds ${name} twice`);
    entries.set(name, { name, size: record.size, read: () => unpack(data.subarray(from, to), record) });
  }
  refuseOverlaps(regions);
  return entries;
}

/** Without this check a small archive could hold the same bytes a thousand times. */
function refuseOverlaps(regions: { name: string; from: number; to: number }[]): void {
  const sorted = regions.sort((a, b) => a.from - b.from);
  for (const [index, { name, from }] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before && from < before.to) fail(`${before.name} and ${name} share bytes`);
  }
}
