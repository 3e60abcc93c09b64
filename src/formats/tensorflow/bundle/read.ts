import type { NamedTensor } from '../../../checkpoints/index.ts';
import { reason, UserError } from '../../../errors.ts';
import { sizeOf } from '../../../shape.ts';
import { maskedCrc32c } from '../../../tensorboard/crc32c.ts';
import { damaged, quoted, readBounded, readPart } from '../../files.ts';
import { type BundleEntry, bundleEntries, bundleHeaders, dataTypes } from '../protos.ts';
import { readTable } from './table.ts';

/** An index takes about a hundred bytes a tensor. */
const mostIndexBytes = 16 * 2 ** 20;
const mostShards = 10_000;
const littleEndian = 0;

/** The tensors of a bundle, read one by one. */
export interface Bundle {
  /** <prefix>.index */
  index: string;
  names: string[];
  /**
   * A tensor of this shape.
   * @throws {UserError} where it is not there, of another shape or type, or fails its checksum.
   */
  read(name: string, shape: number[]): Promise<NamedTensor>;
}

/** @throws {UserError} where <prefix>.index cannot be read or is damaged. */
export async function openBundle(prefix: string): Promise<Bundle> {
  const index = `${prefix}.index`;
  const { shards, entries } = parse(index, await readBounded(index, mostIndexBytes));
  return {
    index,
    names: [...entries.keys()],
    async read(name, shape) {
      const entry = entries.get(name);
      if (!entry) throw new UserError(`${index} holds no variable ${quoted(name)}, which the graph reads.`);
      check(index, name, entry, shape);
      const shard = `${prefix}.data-${fiveDigits(entry.shard_id)}-of-${fiveDigits(shards)}`;
      const bytes = await readPart(shard, entry);
      if (maskedCrc32c(bytes) !== entry.crc32c) damaged(shard, `the checksum of ${quoted(name)} differs`);
      return { name, shape, values: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) };
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
    if (endianness !== littleEndian) throw new Error('it is of a big-endian machine');
    if (shards < 1 || shards > mostShards) throw new Error(`it tells of ${shards} files of data`);
    const entries = [...table].map(([name, entry]): [string, BundleEntry] => [
      name,
      bundleEntries.decode(entry),
    ]);
    return { shards, entries: new Map(entries) };
  } catch (error) {
    damaged(index, reason(error));
  }
}

/** What is to be read is known from the graph; the index must agree before anything is allocated. */
function check(index: string, name: string, entry: BundleEntry, shape: number[]): void {
  if (entry.slices.length > 0)
    throw new UserError(
      `${index}: ${quoted(name)} is stored in slices; save the checkpoint without a partitioner.`,
    );
  if (entry.dtype !== dataTypes.float32)
    throw new UserError(
      `${index}: ${quoted(name)} is of the type ${entry.dtype}; bat-sup reads float32, which is 1.`,
    );
  const stored = (entry.shape?.dim ?? []).map(({ size }) => size);
  if (stored.join() !== shape.join())
    damaged(index, `${quoted(name)} has the shape [${stored}], in the graph [${shape}]`);
  const bytes = 4 * sizeOf(shape);
  if (entry.size !== bytes) damaged(index, `${quoted(name)} has ${entry.size} bytes instead of ${bytes}`);
}
