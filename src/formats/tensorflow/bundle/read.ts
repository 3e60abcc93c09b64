import { reason, UserError } from '../../../errors.ts';
import { sizeOf } from '../../../tensors/shape.ts';
import { fromFloat16, type Tensor } from '../../../tensors/tensors.ts';
import { quoted } from '../../../text/quoted.ts';
import { damaged, overlapping, type Region, readBounded, readPart } from '../../files.ts';
import { maskedCrc32c } from '../crc32c.ts';
import { type BundleEntry, dataTypes } from '../messages.ts';
import { bundleEntries, bundleHeaders } from '../protos.ts';
import { readTable } from './table.ts';

/** An index takes about a hundred bytes per tensor. */
const maxIndexBytes = 16 * 2 ** 20;
const maxShards = 10_000;
const littleEndian = 0;

/** The tensors of a bundle, read one by one. */
export interface Bundle {
  /** <prefix>.index */
  index: string;
  has(name: string): boolean;
  /**
   * A tensor as floats.
   * @param wanted its shape, and its type of dataTypes.
   * @throws {UserError} where it is not there, of another shape or type, or fails its checksum.
   */
  read(name: string, wanted: { shape: number[]; type: number }): Promise<Tensor>;
}

/** @throws {UserError} where <prefix>.index cannot be read or is damaged. */
export async function openBundle(prefix: string): Promise<Bundle> {
  const index = `${prefix}.index`;
  const { shards, entries } = parse(index, await readBounded(index, maxIndexBytes));
  return {
    index,
    has: (name) => entries.has(name),
    async read(name, { shape, type }) {
      const entry = entries.get(name);
      if (!entry) throw new UserError(`${index} holds no variable ${quoted(name)}, which the graph reads.`);
      const { width, toFloats } = readableType(index, name, type);
      check(index, name, entry, { shape, type, width });
      const shard = `${prefix}.data-${fiveDigits(entry.shard_id)}-of-${fiveDigits(shards)}`;
      const bytes = await readPart(shard, entry);
      if (maskedCrc32c(bytes) !== entry.crc32c) damaged(shard, `the checksum of ${quoted(name)} differs`);
      return { shape, values: toFloats(bytes.buffer as ArrayBuffer) };
    },
  };
}

const fiveDigits = (count: number) => String(count).padStart(5, '0');

function parse(index: string, bytes: Buffer): { shards: number; entries: Map<string, BundleEntry> } {
  try {
    const table = readTable(bytes);
    const header = table.get('');
    if (!header) throw new Error('it has no header');
    table.delete('');
    const { num_shards: shards, endianness } = bundleHeaders.decode(header);
    if (endianness !== littleEndian) throw new Error('it was written by a big-endian machine');
    if (shards < 1 || shards > maxShards) throw new Error(`it names ${shards} data files`);
    const entries = [...table].map(([name, entry]): [string, BundleEntry] => [
      name,
      bundleEntries.decode(entry),
    ]);
    checkRegions(entries);
    return { shards, entries: new Map(entries) };
  } catch (error) {
    damaged(index, reason(error));
  }
}

/** @throws {Error} where two tensors lie in the same bytes. */
function checkRegions(entries: [name: string, entry: BundleEntry][]): void {
  const byShard = new Map<number, (Region & { name: string })[]>();
  for (const [name, { shard_id: shard, offset, size }] of entries) {
    const regions = byShard.get(shard) ?? [];
    regions.push({ name, from: offset, to: offset + size });
    byShard.set(shard, regions);
  }
  for (const regions of byShard.values()) {
    const [one, other] = overlapping(regions) ?? [];
    if (one && other) throw new Error(`${quoted(one.name)} and ${quoted(other.name)} share bytes`);
  }
}

/** How values are stored: bytes of each, and how they become floats. */
const readable = new Map<number, { width: number; toFloats(buffer: ArrayBuffer): Float32Array }>([
  [dataTypes.float32, { width: 4, toFloats: (buffer) => new Float32Array(buffer) }],
  [dataTypes.float16, { width: 2, toFloats: (buffer) => fromFloat16(new Uint16Array(buffer)) }],
  [dataTypes.int8, { width: 1, toFloats: (buffer) => Float32Array.from(new Int8Array(buffer)) }],
]);

function readableType(index: string, name: string, type: number) {
  const found = readable.get(type);
  if (found) return found;
  throw new UserError(
    `${index}: ${quoted(name)} has TensorFlow's data type ${type}; bat-sup reads float32, float16 and int8.`,
  );
}

/** The graph says what is to be read; the index must agree before anything is allocated. */
function check(
  index: string,
  name: string,
  entry: BundleEntry,
  { shape, type, width }: { shape: number[]; type: number; width: number },
): void {
  if (entry.slices.length > 0)
    throw new UserError(
      `${index}: ${quoted(name)} is stored in slices; save the checkpoint without a partitioner.`,
    );
  if (entry.dtype !== type)
    damaged(index, `${quoted(name)} has TensorFlow's data type ${entry.dtype}, in the graph ${type}`);
  const stored = (entry.shape?.dim ?? []).map(({ size }) => size);
  if (stored.join() !== shape.join())
    damaged(index, `${quoted(name)} has the shape [${stored}], in the graph [${shape}]`);
  const bytes = width * sizeOf(shape);
  if (entry.size !== bytes) damaged(index, `${quoted(name)} has ${entry.size} bytes instead of ${bytes}`);
}
