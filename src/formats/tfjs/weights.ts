import { sizeOf } from '../../tensors/shape.ts';
import { fromFloat16 } from '../../tensors/tensors.ts';
import { quoted } from '../../text/quoted.ts';

/** The weights of a model of TensorFlow.js: a manifest in model.json, and files of bytes (tensorflow.org/js/guide/save_load). */

type Values = Float32Array | Int32Array | Uint8Array;

export interface Stored {
  shape: number[];
  /** Floats, integers, or booleans. */
  values: Values;
}

interface Entry {
  name: string;
  shape: number[];
  dtype: string;
  quantization?: { dtype: string; scale?: number; min?: number };
}

interface Group {
  paths: string[];
  weights: Entry[];
}

type Fail = (why: string) => never;

/** How the bytes of each stored type become values. */
const types: Record<string, { bytes: number; read(buffer: ArrayBuffer): Values | Uint16Array }> = {
  float32: { bytes: 4, read: (buffer) => new Float32Array(buffer) },
  int32: { bytes: 4, read: (buffer) => new Int32Array(buffer) },
  bool: { bytes: 1, read: (buffer) => new Uint8Array(buffer) },
  float16: { bytes: 2, read: (buffer) => fromFloat16(new Uint16Array(buffer)) },
  uint8: { bytes: 1, read: (buffer) => new Uint8Array(buffer) },
  uint16: { bytes: 2, read: (buffer) => new Uint16Array(buffer) },
};

/** Types that others are quantised to. */
const quantised = ['float16', 'uint8', 'uint16'];

function valuesOf(buffer: ArrayBuffer, { dtype, quantization }: Entry): Values {
  const steps = types[quantization?.dtype ?? dtype]?.read(buffer) as Values;
  if (!quantization || quantization.dtype === 'float16') return steps;
  const { scale = 1, min = 0 } = quantization;
  const values = Float32Array.from(steps, (step) => step * scale + min);
  return dtype === 'int32' ? Int32Array.from(values, Math.round) : values;
}

function isGroup(group: Group): boolean {
  return (
    Array.isArray(group?.paths) &&
    // Only files beside the model: the paths of a hostile one could lead anywhere.
    group.paths.every((path) => typeof path === 'string' && /^(\.\/)?[^./\\][^/\\]*$/.test(path)) &&
    Array.isArray(group.weights) &&
    group.weights.every(
      (entry) =>
        typeof entry?.name === 'string' &&
        Array.isArray(entry.shape) &&
        entry.shape.every((length) => Number.isSafeInteger(length) && length >= 0),
    )
  );
}

/** The manifest's groups. No file may be named twice: it would be read twice, so that a little text could claim gigabytes. */
function groupsOf(manifest: unknown, fail: Fail): Group[] {
  if (!Array.isArray(manifest)) fail('it has no weights');
  if (!manifest.every(isGroup)) fail('its weightsManifest is invalid');
  const paths = manifest.flatMap((group: Group) => group.paths.map((path) => path.replace(/^\.\//, '')));
  const seen = new Set<string>();
  const twice = paths.find((path) => seen.size === seen.add(path).size);
  if (twice !== undefined) fail(`its weightsManifest names ${quoted(twice)} twice`);
  return manifest;
}

/** Bytes of files that follow each other. They are not put together first, which would take the weights' size once more. */
function bytesAt(files: Uint8Array[], offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let start = 0;
  for (const file of files) {
    const part = file.subarray(Math.max(0, offset - start), Math.max(0, offset + length - start));
    if (part.length > 0) bytes.set(part, Math.max(0, start - offset));
    start += file.length;
  }
  return bytes;
}

/** Texts each begin with their length, so that only their bytes say how long all of them are. */
function lengthOfTexts(files: Uint8Array[], first: number, total: number, count: number): number {
  let offset = first;
  for (let index = 0; index < count && offset + 4 <= total; index++)
    offset += 4 + new DataView(bytesAt(files, offset, 4).buffer).getUint32(0, true);
  return offset - first;
}

function readEntries(group: Group, files: Uint8Array[], fail: Fail): [string, Stored][] {
  const total = files.reduce((sum, file) => sum + file.length, 0);
  let offset = 0;
  const read = group.weights.flatMap((entry): [string, Stored][] => {
    const { name, shape, dtype, quantization } = entry;
    const stored = quantization?.dtype ?? dtype;
    const type = Object.hasOwn(types, stored) ? types[stored] : undefined;
    const isKnown = dtype === 'string' || (type && (quantization ? quantised : [dtype]).includes(stored));
    if (!isKnown || ![...Object.keys(types), 'string'].includes(dtype))
      fail(`${name} has the type ${stored}`);
    const length = type ? sizeOf(shape) * type.bytes : lengthOfTexts(files, offset, total, sizeOf(shape));
    if (length > total - offset) fail(`its weights end within ${name}`);
    const { buffer } = bytesAt(files, offset, length);
    offset += length;
    return type ? [[name, { shape, values: valuesOf(buffer, entry) }]] : [];
  });
  if (offset !== total) fail(`its weights are ${total - offset} bytes too long`);
  return read;
}

/**
 * Reads all weights of a manifest.
 * @param read returns the bytes of a file beside the model.
 * @param fail is called with what is wrong.
 * @returns the weights by name.
 */
export async function readWeights(
  manifest: unknown,
  read: (path: string) => Promise<Uint8Array>,
  fail: Fail,
): Promise<Map<string, Stored>> {
  const groups = groupsOf(manifest, fail);
  const all = await Promise.all(
    groups.map(async (group) => readEntries(group, await Promise.all(group.paths.map(read)), fail)),
  );
  const weights = new Map<string, Stored>();
  for (const [name, stored] of all.flat()) {
    if (weights.has(name)) fail(`it has two weights named ${quoted(name)}`);
    weights.set(name, stored);
  }
  return weights;
}
