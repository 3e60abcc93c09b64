import { createHash } from 'node:crypto';
import { open, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../system/cache.ts';
import { makeFolder, readExactly, writeFileAtomically } from '../system/files.ts';
import type { PictureIndex } from './picture_index.ts';

const format = 'bat-sup pictures 2';
const digestBytes = 32;
const maxUnusedDays = 90;
const day = 24 * 60 * 60 * 1000;

const indexFolder = () => join(cacheFolder(), 'similar');

/**
 * Where the index of a folder is kept.
 * @param folder its real path.
 * @param key of the features, whatever engine computes them.
 */
export function indexFile(folder: string, key: string): string {
  const name = createHash('sha256').update(`${key}\0${folder}`).digest('hex').slice(0, 32);
  return join(indexFolder(), `${name}.index`);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

/**
 * Writes an index: a line of JSON, the paths with NUL between them, the arrays, and a SHA-256 of it all. Where it cannot be
 * written, the next search makes it again.
 */
export async function writeIndex(file: string, index: PictureIndex): Promise<void> {
  const names = Buffer.from(index.names);
  const head = { format, count: index.scales.length, length: index.length, pathBytes: names.length };
  const arrays = [index.stamps, index.mean, index.scales, index.directions].map(bytesOf);
  const parts = [Buffer.from(`${JSON.stringify(head)}\n`), names, ...arrays];
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  await makeFolder(indexFolder());
  await writeFileAtomically(file, Buffer.concat([...parts, hash.digest()]));
  await removeUnused();
}

/** Removes the indexes that nobody has used for 90 days: their folders may be gone. */
async function removeUnused(): Promise<void> {
  for (const name of await readdir(indexFolder())) {
    const file = join(indexFolder(), name);
    const unused = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0, // removed meanwhile by another process
    );
    if (unused > maxUnusedDays * day) await rm(file, { force: true });
  }
}

/** In one call to the system, where readFile makes a few hundred. */
async function readAtOnce(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    return await readExactly(handle, { offset: 0, size: (await handle.stat()).size });
  } finally {
    await handle.close();
  }
}

/** @returns undefined where there is none, or it is damaged or of another version. */
export async function readIndex(file: string): Promise<PictureIndex | undefined> {
  const data = await readAtOnce(file).catch(() => undefined);
  const index = data && decode(data);
  if (index) await utimes(file, new Date(), new Date()).catch(() => {});
  return index;
}

function decode(data: Buffer): PictureIndex | undefined {
  const content = data.subarray(0, data.length - digestBytes);
  if (!createHash('sha256').update(content).digest().equals(data.subarray(content.length))) return undefined;
  const headEnd = content.indexOf(10);
  const head = JSON.parse(content.toString('utf8', 0, headEnd));
  if (head.format !== format) return undefined;
  const { count, length, pathBytes } = head;
  let at = headEnd + 1;
  const take = (bytes: number): Buffer => {
    const part = content.subarray(at, at + bytes);
    at += bytes;
    return part;
  };
  // Copied, since they must begin at multiples of their elements' size.
  const copy = (bytes: number): ArrayBuffer => new Uint8Array(take(bytes)).buffer;
  const names = take(pathBytes).toString('utf8');
  return {
    names,
    stamps: new Float64Array(copy(count * 16)),
    length,
    mean: new Float32Array(copy(length * 4)),
    scales: new Float32Array(copy(count * 4)),
    directions: new Int8Array(content.buffer, content.byteOffset + at, count * length),
  };
}
