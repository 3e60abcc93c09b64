import { UserError } from '../../errors.ts';
import { sizeOf } from '../../tensors/shape.ts';
import { fromBfloat16, fromFloat16 } from '../../tensors/tensors.ts';
import { parseObject } from '../../text/json.ts';
import { quoted } from '../../text/quoted.ts';
import { overlapping } from '../files.ts';
import type { StateDict } from '../state_dict/state_dict.ts';

/** The limit of the format's own reader. */
const maxHeaderBytes = 100_000_000;

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

export interface SafetensorsFile {
  metadata: Record<string, unknown>;
  tensors: StateDict;
}

const readers: Record<string, { bytes: number; read(buffer: ArrayBuffer): Float32Array }> = {
  F32: { bytes: 4, read: (buffer) => new Float32Array(buffer) },
  F16: { bytes: 2, read: (buffer) => fromFloat16(new Uint16Array(buffer)) },
  BF16: { bytes: 2, read: (buffer) => fromBfloat16(new Uint16Array(buffer)) },
  F64: { bytes: 8, read: (buffer) => Float32Array.from(new Float64Array(buffer)) },
};

function damaged(source: string, why: string): never {
  throw new UserError(`${source} is a damaged safetensors file: ${why}.`);
}

function readHeader(data: Uint8Array, source: string): { header: Record<string, unknown>; start: number } {
  if (data.length < 8) damaged(source, 'it is shorter than 8 bytes');
  const length = new DataView(data.buffer, data.byteOffset).getBigUint64(0, true);
  if (length > maxHeaderBytes || Number(length) > data.length - 8)
    damaged(source, `its header of ${length} bytes is longer than the file or the format's limit`);
  const start = 8 + Number(length);
  const text = Buffer.from(data.buffer, data.byteOffset + 8, Number(length)).toString('utf8');
  return { header: parseObject(text) ?? damaged(source, 'its header is not a JSON object'), start };
}

function isEntry(entry: unknown): entry is Entry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Partial<Entry>;
  const areCounts = (list: unknown) =>
    Array.isArray(list) && list.every((one) => Number.isSafeInteger(one) && one >= 0);
  return typeof dtype === 'string' && areCounts(shape) && areCounts(offsets) && offsets?.length === 2;
}

/**
 * The floating-point tensors of a safetensors file, which are read as float32 when they are asked for, and its metadata.
 * @throws {UserError} where it is damaged.
 */
export function decodeSafetensors(data: Uint8Array, source: string): SafetensorsFile {
  const { header, start } = readHeader(data, source);
  const tensors: StateDict = new Map();
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  const regions = entries.map(([name, entry]) => {
    if (!isEntry(entry)) damaged(source, `its entry for ${quoted(name)} is invalid`);
    const [from, to] = entry.data_offsets;
    return { name, from, to, entry };
  });
  const [one, other] = overlapping(regions) ?? [];
  if (one && other) damaged(source, `${quoted(one.name)} and ${quoted(other.name)} share bytes`);
  for (const { name, entry } of regions) {
    const reader = readers[entry.dtype];
    if (!reader) continue; // counters such as BatchNorm's num_batches_tracked
    const [from, to] = entry.data_offsets;
    if (to > data.length - start || to - from !== sizeOf(entry.shape) * reader.bytes)
      damaged(source, `${quoted(name)} of shape [${entry.shape}] does not fit its bytes ${from} to ${to}`);
    // A copy, because the bytes may not be aligned for floats.
    const bytes = () => new Uint8Array(data.subarray(start + from, start + to)).buffer;
    const { shape } = entry;
    tensors.set(name, { shape, read: () => ({ shape, values: reader.read(bytes()) }) });
  }
  return { metadata: (header.__metadata__ ?? {}) as Record<string, unknown>, tensors };
}

/** Whether a file begins like a safetensors file: a plausible length, then JSON. */
export function looksLikeSafetensors(start: Uint8Array, size: number): boolean {
  if (start.length < 10) return false;
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  return length <= maxHeaderBytes && Number(length) <= size - 8 && start[8] === 0x7b;
}
