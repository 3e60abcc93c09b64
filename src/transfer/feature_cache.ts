import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { reason } from '../errors.ts';
import { makeFolder } from '../system/files.ts';

/** What features depend on, besides the pixels: another value of any gives another key. */
export interface FeatureSource {
  /** Digest of the backbone's weights. */
  weights: string;
  /** How pixels become the backbone's input. */
  preprocessing: unknown;
  /** Width and height of the input in pixels. */
  size: { width: number; height: number };
  /** Name of the layer whose output the features are. */
  layer: string;
  engine: string;
  /** Version of what computes: bump when the same pixels give other bits. */
  kernels: string;
}

export interface FeatureCacheOptions {
  /** The folder of all features, <cache>/bat-sup/features. */
  folder: string;
  /** See {@link featureKey}. */
  key: string;
  /** Numbers per row. */
  length: number;
  /** What all features together may take, of all keys; default 2 GiB. The least recently used are removed first. */
  maxBytes?: number;
  /** Called once, with one line, where nothing can be stored any more. */
  notice?: (line: string) => void;
}

const idBytes = 32;
const checksumBytes = 8;
const headerBytes = 128;
const extension = '.features';
/** Bytes of records that are written at once: what a killed process loses at most. */
const batchBytes = 2 ** 20;
/** A segment that has grown to this gets a successor, so that old ones can be removed. */
const segmentBytes = 2 ** 26;
const readBytes = 2 ** 22;
const defaultMaxBytes = 2 ** 31;
/** Features that nobody has used for so long belong to other versions, or to pictures that are gone. */
const maxUnusedDays = 90;
const day = 24 * 60 * 60 * 1000;

/** Name of the folder of features that were computed in the same way: 32 hexadecimal digits. */
export function featureKey({ weights, preprocessing, size, layer, engine, kernels }: FeatureSource): string {
  const parts = [weights, preprocessing, size.width, size.height, layer, engine, kernels];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/**
 * The id of one row of features: SHA-256, 32 bytes.
 * @param pixels of the decoded picture, uint8 [height, width, channels].
 */
export function featureId(pixels: Uint8Array): Buffer {
  return createHash('sha256').update(pixels).digest();
}

/** First bytes of a segment. A file that begins differently is of another version, or damaged, and is not read. */
function headerOf(key: string, length: number): Buffer {
  return Buffer.from(`${JSON.stringify({ 'bat-sup features': 1, key, length }).padEnd(headerBytes - 1)}\n`);
}

function checksum(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest().subarray(0, checksumBytes);
}

/** A file of features in one of the keys' folders. */
interface Segment {
  file: string;
  bytes: number;
  /** Milliseconds since 1970. */
  lastUse: number;
}

/** Segments in a key's folder, oldest name first; none where it cannot be read. */
async function segmentsIn(folder: string): Promise<Segment[]> {
  const names = await readdir(folder).catch(() => []);
  const found = names
    .filter((name) => name.endsWith(extension))
    .sort()
    .map(async (name) => {
      const file = join(folder, name);
      const stats = await stat(file).catch(() => undefined); // removed meanwhile by another process
      return stats?.isFile() ? [{ file, bytes: stats.size, lastUse: stats.mtimeMs }] : [];
    });
  return (await Promise.all(found)).flat();
}

/**
 * Removes the least recently used segments of all keys until the others take at most `maxBytes`, and those that nobody
 * has used for 90 days. Failures to remove are ignored: on Windows a segment that is being read stays.
 */
export async function pruneFeatures(folder: string, maxBytes = defaultMaxBytes): Promise<void> {
  const keys = (await readdir(folder, { withFileTypes: true }).catch(() => [])).filter((entry) =>
    entry.isDirectory(),
  );
  const all = (await Promise.all(keys.map(({ name }) => segmentsIn(join(folder, name))))).flat();
  let bytes = 0;
  for (const segment of all.sort((a, b) => b.lastUse - a.lastUse)) {
    bytes += segment.bytes;
    const isOld = Date.now() - segment.lastUse > maxUnusedDays * day;
    if (bytes > maxBytes || isOld) await rm(segment.file, { force: true }).catch(() => {});
  }
  // Removes empty folders alone: others are not empty, which is an error that says so.
  for (const { name } of keys) await rmdir(join(folder, name)).catch(() => {});
}

/**
 * Features of pictures on disk, for all runs. Each process appends to segments of its own: a header, then records of 32
 * bytes of id, the features as float32 and 8 bytes of checksum. A record that is damaged or cut off counts as absent.
 * Nothing here ever fails: where the disk is full or read-only, features are computed again.
 * @example
 * const cache = new FeatureCache({ folder, key: featureKey(source), length: 1280 });
 * const features = new Float32Array(ids.length * 1280);
 * const isThere = await cache.read(ids, features); // compute the rows that are absent, then for each:
 * cache.add(id, row);
 * await cache.close();
 */
export class FeatureCache {
  readonly #options: FeatureCacheOptions;
  readonly #folder: string;
  readonly #header: Buffer;
  readonly #recordBytes: number;
  #waiting: Buffer[] = [];
  #writing: Promise<void> = Promise.resolve();
  #segment: FileHandle | undefined;
  #segmentBytes = 0;
  #segments = 0;
  /** Nothing can be stored any more. */
  #isUnwritable = false;
  readonly #name = `${Date.now().toString(36)}-${process.pid}-${randomBytes(4).toString('hex')}`;

  constructor(options: FeatureCacheOptions) {
    const { folder, key, length } = options;
    this.#options = options;
    this.#folder = join(folder, key);
    this.#header = headerOf(key, length);
    this.#recordBytes = idBytes + 4 * length + checksumBytes;
  }

  /** Whether nothing is stored under the key. */
  async isEmpty(): Promise<boolean> {
    await this.#writing;
    return (await segmentsIn(this.#folder)).length === 0;
  }

  /**
   * Reads what is stored of these rows, in one pass over all segments.
   * @param ids of the rows; equal ones get the same features.
   * @param features float32 [ids.length, length], which is filled where the row is stored.
   * @returns for each row whether it is stored, 0 or 1.
   */
  async read(ids: readonly Uint8Array[], features: Float32Array): Promise<Uint8Array> {
    const found = new Uint8Array(ids.length);
    const wanted = new Map<string, number[]>();
    for (const [row, id] of ids.entries()) {
      const name = nameOf(id);
      const rows = wanted.get(name);
      if (rows) rows.push(row);
      else wanted.set(name, [row]);
    }
    await this.#writing;
    for (const segment of await segmentsIn(this.#folder)) {
      if (wanted.size === 0) break;
      const before = wanted.size;
      // A segment that cannot be read, or that another process has removed, only costs time.
      await this.#readSegment(segment, (record) => this.#take(record, wanted, features, found)).catch(
        () => {},
      );
      if (wanted.size < before) await utimes(segment.file, new Date(), new Date()).catch(() => {});
    }
    return found;
  }

  /** Copies a record to the rows that want it, if it is whole. */
  #take(record: Buffer, wanted: Map<string, number[]>, features: Float32Array, found: Uint8Array): void {
    const name = nameOf(record.subarray(0, idBytes));
    const rows = wanted.get(name);
    if (rows === undefined) return;
    const end = record.length - checksumBytes;
    if (!checksum(record.subarray(0, end)).equals(record.subarray(end))) return;
    const { length } = this.#options;
    const bytes = new Uint8Array(features.buffer, features.byteOffset, features.byteLength);
    for (const row of rows) {
      bytes.set(record.subarray(idBytes, end), row * length * 4);
      found[row] = 1;
    }
    wanted.delete(name);
  }

  /** Calls `take` for each record of a segment; a last one that is cut off is left out. */
  async #readSegment({ file, bytes }: Segment, take: (record: Buffer) => void): Promise<void> {
    const handle = await open(file);
    try {
      const header = Buffer.alloc(headerBytes);
      await handle.read(header, 0, headerBytes, 0);
      if (!header.equals(this.#header)) return;
      const size = this.#recordBytes;
      const chunk = Buffer.allocUnsafe(Math.max(1, Math.floor(readBytes / size)) * size);
      for (let offset = headerBytes; offset + size <= bytes; ) {
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, offset);
        const whole = bytesRead - (bytesRead % size);
        for (let at = 0; at < whole; at += size) take(chunk.subarray(at, at + size));
        if (whole === 0) return;
        offset += whole;
      }
    } finally {
      await handle.close();
    }
  }

  /** Stores a row: soon, not at once. @param features float32 [length]. */
  add(id: Uint8Array, features: Float32Array): void {
    if (features.length !== this.#options.length)
      throw new RangeError(
        `features must have ${this.#options.length} numbers; received ${features.length}.`,
      );
    if (this.#isUnwritable) return;
    const content = Buffer.concat([
      id,
      new Uint8Array(features.buffer, features.byteOffset, features.byteLength),
    ]);
    this.#waiting.push(content, checksum(content));
    if ((this.#waiting.length / 2) * this.#recordBytes >= batchBytes) this.#flush();
  }

  #flush(): void {
    const records = Buffer.concat(this.#waiting);
    this.#waiting = [];
    if (records.length === 0) return;
    this.#writing = this.#writing
      .then(() => (this.#isUnwritable ? undefined : this.#append(records)))
      .catch((error) => this.#giveUp(error));
  }

  async #append(records: Buffer): Promise<void> {
    if (this.#segmentBytes >= segmentBytes) await this.#endSegment();
    const segment = this.#segment ?? (await this.#startSegment());
    this.#segment = segment;
    for (let done = 0; done < records.length; ) {
      const { bytesWritten } = await segment.write(
        records,
        done,
        records.length - done,
        this.#segmentBytes + done,
      );
      done += bytesWritten;
    }
    this.#segmentBytes += records.length;
  }

  async #startSegment(): Promise<FileHandle> {
    await makeFolder(this.#folder);
    const file = join(this.#folder, `${this.#name}-${String(this.#segments++).padStart(4, '0')}${extension}`);
    const handle = await open(file, 'wx');
    await handle.write(this.#header, 0, headerBytes, 0);
    this.#segmentBytes = headerBytes;
    return handle;
  }

  async #endSegment(): Promise<void> {
    await this.#segment?.close();
    this.#segment = undefined;
    this.#segmentBytes = 0;
    await pruneFeatures(this.#options.folder, this.#options.maxBytes);
  }

  /** The rest of a batch that did not fit is cut off, so that it takes no room on a full disk. */
  async #giveUp(error: unknown): Promise<void> {
    this.#isUnwritable = true;
    await this.#segment?.truncate(this.#segmentBytes).catch(() => {});
    this.#options.notice?.(
      `Features are not stored in ${this.#folder} (${reason(error)}); the next run computes them again.`,
    );
  }

  /** Writes what waits, and removes the least recently used features beyond `maxBytes`. */
  async close(): Promise<void> {
    this.#flush();
    await this.#writing;
    await this.#endSegment().catch(() => {});
  }
}

/** An id as the key of a map. */
function nameOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}
