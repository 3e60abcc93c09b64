import { openRegular } from '../../files.ts';
import { maskedCrc32c } from '../crc32c.ts';

/**
 * LevelDB's table, which a bundle's .index is: sorted keys with values, in blocks
 * (github.com/google/leveldb/blob/main/doc/table_format.md; tensorflow/core/lib/io/format.cc).
 */

const magic = 0xdb4775248b80fb57n;
const footerBytes = 48;
/** After each block: its compression, and the checksum of both. */
const trailerBytes = 5;
const uncompressed = 0;

interface Handle {
  offset: number;
  size: number;
}

/** Reads bytes from front to back. */
class Cursor {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** A varint of up to 53 bits. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = this.take(1)[0] as number;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new Error('a number is too long');
  }

  take(count: number): Buffer {
    if (count > this.bytes.length - this.at) throw new Error('it ends early');
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  handle(): Handle {
    return { offset: this.varint(), size: this.varint() };
  }
}

function readBlock(table: Buffer, { offset, size }: Handle): Buffer {
  if (offset + size + trailerBytes > table.length - footerBytes)
    throw new Error('a block lies outside of it');
  const end = offset + size;
  if (maskedCrc32c(table.subarray(offset, end + 1)) !== table.readUInt32LE(end + 1))
    throw new Error('a checksum differs');
  if (table[end] !== uncompressed)
    throw new Error('it is compressed, which TensorFlow does not do by itself');
  return table.subarray(offset, end);
}

/** A block's entries: each key shares so many bytes with the one before. */
function* entriesOf(block: Buffer): Generator<[key: Buffer, value: Buffer]> {
  if (block.length < 4) throw new Error('a block is too short');
  const restarts = block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - 4 * restarts;
  if (end < 0) throw new Error('a block has too many restarts');
  const cursor = new Cursor(block.subarray(0, end));
  let key = Buffer.alloc(0);
  while (cursor.at < end) {
    const [shared, rest, size] = [cursor.varint(), cursor.varint(), cursor.varint()];
    if (shared > key.length) throw new Error('a key shares more than there is');
    key = Buffer.concat([key.subarray(0, shared), cursor.take(rest)]);
    yield [key, cursor.take(size)];
  }
}

/**
 * A table's values by key, in the order of the keys.
 * @param maxKeyBytes limit on the total length of the keys: they share prefixes, so that few bytes can stand for many.
 * @throws {Error} with what is wrong in a few words.
 */
export function readTable(table: Buffer, maxKeyBytes = 16 * 2 ** 20): Map<string, Buffer> {
  if (table.length < footerBytes || table.readBigUInt64LE(table.length - 8) !== magic)
    throw new Error('its end is not that of an index');
  const footer = new Cursor(table.subarray(-footerBytes));
  footer.handle(); // the filters, which bundles do not have
  const values = new Map<string, Buffer>();
  let before: Buffer | undefined;
  let bytes = 0;
  for (const [, handle] of entriesOf(readBlock(table, footer.handle()))) {
    for (const [key, value] of entriesOf(readBlock(table, new Cursor(handle).handle()))) {
      if (before && Buffer.compare(before, key) >= 0) throw new Error('its keys are not in order');
      bytes += key.length;
      if (bytes > maxKeyBytes) throw new Error('its keys are too long');
      values.set(key.toString(), value);
      before = key;
    }
  }
  return values;
}

/** Whether a file ends as a table does. */
export async function endsAsTable(file: string): Promise<boolean> {
  const handle = await openRegular(file);
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, Math.max(0, size - 8));
    return bytesRead === 8 && buffer.readBigUInt64LE() === magic;
  } finally {
    await handle.close();
  }
}

/** A varint of up to 53 bits. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

/** Every key in full: an index is small. */
function blockOf(entries: [key: Buffer, value: Buffer][]): Buffer {
  const parts = entries.map(([key, value]) =>
    Buffer.concat([varint(0), varint(key.length), varint(value.length), key, value]),
  );
  let offset = 0;
  const restarts = [];
  for (const part of parts) {
    restarts.push(offset);
    offset += part.length;
  }
  if (restarts.length === 0) restarts.push(0);
  return Buffer.concat([...parts, Buffer.from(Uint32Array.from([...restarts, restarts.length]).buffer)]);
}

/** A table of these values: one block of data, none of filters, and the index that leads to it. */
export function writeTable(values: Map<string, Uint8Array>): Buffer {
  const entries = [...values].map(([key, value]): [Buffer, Buffer] => [Buffer.from(key), Buffer.from(value)]);
  entries.sort(([a], [b]) => Buffer.compare(a, b));
  let table = Buffer.alloc(0);
  const add = (block: Buffer): Buffer => {
    const handle = Buffer.concat([varint(table.length), varint(block.length)]);
    const contents = Buffer.concat([block, Buffer.from([uncompressed])]);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(maskedCrc32c(contents));
    table = Buffer.concat([table, contents, checksum]);
    return handle;
  };
  const data = add(blockOf(entries));
  const filters = add(blockOf([]));
  const lastKey = entries.at(-1)?.[0] ?? Buffer.alloc(0);
  const index = add(blockOf([[lastKey, data]]));
  const footer = Buffer.alloc(footerBytes);
  Buffer.concat([filters, index]).copy(footer);
  footer.writeBigUInt64LE(magic, footerBytes - 8);
  return Buffer.concat([table, footer]);
}
