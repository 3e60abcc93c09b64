import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Dataset, Entity, File, Group } from 'h5wasm';
import { sizeOf } from '../../tensors/shape.ts';
import type { Tensor } from '../../tensors/tensors.ts';

/** Limit for one dataset; WebAssembly's memory ends at 4 GiB. */
const maxDatasetBytes = 2 ** 30;
/** Trained weights hardly compress; only a hostile file of zeros has a higher ratio. */
export const maxCompression = 16;

type Hdf5 = typeof import('h5wasm');

/** How many instances of the library a hostile file has crashed: their memory can no longer be trusted. */
let broken = 0;

/** Where the library is; `import.meta.resolve` is missing where a loader turns this module into CommonJS. */
function libraryUrl(): string {
  const folders = createRequire(import.meta.url).resolve.paths('h5wasm') ?? [];
  const found = folders.map((folder) => join(folder, 'h5wasm/dist/esm/hdf5_hl.js')).find(existsSync);
  return pathToFileURL(found as string).href;
}

/** Loads the HDF5 library. Its files live in WebAssembly's memory: nothing in a hostile file reaches the disk. */
async function load() {
  const name = broken === 0 ? 'h5wasm' : `${libraryUrl()}?${broken}`; // a new URL gives a new instance
  const { default: hdf5 } = (await import(name)) as { default: Hdf5 };
  const module = await hdf5.ready;
  module.activate_throwing_error_handler();
  return { hdf5, files: module.FS };
}

/** Writes an HDF5 file and returns its bytes. @param fill adds groups and datasets to the root. */
export async function writeHdf5(fill: (root: Group) => void): Promise<Uint8Array> {
  const { hdf5, files } = await load();
  const name = '/written.h5';
  const file = new hdf5.File(name, 'w');
  try {
    fill(file);
    file.close();
    return files.readFile(name);
  } finally {
    files.unlink(name);
  }
}

const heapHeader = Buffer.from('GCOL\x01\0\0\0', 'latin1');
const objectHeaderBytes = 16;

/**
 * Checks the heaps that hold texts. A heap is a header of 16 bytes and then objects, each with an index, a reference
 * count and a size; index 0 is free space. Free space of size 0 would send the library into an endless loop.
 * @throws {Error} where there is such a heap.
 */
function checkHeaps(data: Uint8Array): void {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  for (let at = bytes.indexOf(heapHeader); at >= 0; at = bytes.indexOf(heapHeader, at + 1)) {
    if (at + 16 > bytes.length) return;
    const end = Math.min(at + Number(bytes.readBigUInt64LE(at + 8)), bytes.length);
    for (let offset = at + 16; offset + objectHeaderBytes <= end; ) {
      const size = Number(bytes.readBigUInt64LE(offset + 8));
      const isFree = bytes.readUInt16LE(offset) === 0;
      if (isFree && size < objectHeaderBytes) throw new Error('it holds a heap that never ends');
      offset += isFree ? size : objectHeaderBytes + Math.ceil(size / 8) * 8;
    }
  }
}

/** Emscripten's option, which the library's types do not have: the file is the given bytes, which are only read. */
const withoutCopy = { canOwn: true } as { flags?: string };

/** Opens an HDF5 file and returns the result of `read`. @throws {Error} where the file is damaged. */
export async function readHdf5<T>(data: Uint8Array, read: (root: Group) => T): Promise<T> {
  checkHeaps(data);
  const { hdf5, files } = await load();
  const name = '/read.h5';
  files.writeFile(name, data, withoutCopy);
  let file: File | undefined;
  try {
    file = new hdf5.File(name, 'r');
    const result = read(file);
    file.close();
    return result;
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) {
      broken++;
      throw new Error('the HDF5 library cannot read it');
    }
    file?.close();
    throw error;
  } finally {
    files.unlink(name);
  }
}

/** The dataset or group at a path; undefined where there is none, or something of another type. */
export function entityOf<T extends Entity>(
  group: Group,
  path: string,
  type: 'Dataset' | 'Group',
): T | undefined {
  const found = group.get(path);
  return found && 'type' in found && (found.type as string) === type ? (found as T) : undefined;
}

/**
 * Returns a function that reads the dataset at a path as floats, undefined where there is none. All datasets together may
 * not be larger than the file: with links and datasets that were never written, a small file could claim gigabytes.
 * @param fileBytes size of the HDF5 file.
 */
export function datasetReader(fileBytes: number): (group: Group, path: string) => Tensor | undefined {
  let left = fileBytes;
  return (group, path) => {
    const dataset = entityOf<Dataset>(group, path, 'Dataset');
    if (!dataset) return undefined;
    const { size = 0 } = dataset.metadata;
    const bytes = sizeOf(dataset.shape ?? []) * size;
    left -= dataset.filters.length > 0 ? bytes / maxCompression : bytes;
    if (bytes > maxDatasetBytes) throw new Error(`${path} is larger than 1 GiB`);
    if (left < 0) throw new Error(`the datasets up to ${dataset.path} are larger than the file`);
    return readDataset(dataset, path);
  };
}

function readDataset(dataset: Dataset, path: string): Tensor {
  const shape = dataset.shape ?? [];
  const values = dataset.value;
  if (values instanceof Float32Array) return { shape, values };
  if (values instanceof Float64Array) return { shape, values: Float32Array.from(values) };
  throw new Error(`${path} does not hold floating-point numbers`);
}
