import type { Dataset, Entity, File, Group } from 'h5wasm';
import { sizeOf } from '../../tensors/shape.ts';
import type { Tensor } from '../../tensors/tensors.ts';

/** For one tensor, as floats; WebAssembly's memory ends at 4 GiB. */
const mostBytes = 2 ** 30;
/** Weights hardly compress; a file of zeros that claims more is not one of weights. */
export const maxCompression = 16;

type Hdf5 = typeof import('h5wasm');

/** Instances of the library that failed within WebAssembly, on a hostile file: their memory is not to be trusted. */
let broken = 0;

/** Files lie in the module's own memory: nothing of a hostile one reaches the disk. */
async function load() {
  const name = broken === 0 ? 'h5wasm' : `${import.meta.resolve('h5wasm')}?${broken}`; // another address, another instance
  const { default: hdf5 } = (await import(name)) as { default: Hdf5 };
  const module = await hdf5.ready;
  module.activate_throwing_error_handler();
  return { hdf5, files: module.FS };
}

/** The bytes of a new HDF5 file. @param fill is given its root. */
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
 * Texts lie in heaps: after 16 bytes of its own, objects with an index, a count and a size each. Where free space, which
 * has the index 0, is as long as nothing, the library would look for its end without end.
 * @throws {Error} where there is such a heap.
 */
function checkHeaps(data: Uint8Array): void {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  for (let at = bytes.indexOf(heapHeader); at >= 0; at = bytes.indexOf(heapHeader, at + 1)) {
    if (at + 16 > bytes.length) return;
    const end = Math.min(at + Number(bytes.readBigUInt64LE(at + 8)), bytes.length);
    for (let place = at + 16; place + objectHeaderBytes <= end; ) {
      const size = Number(bytes.readBigUInt64LE(place + 8));
      const isFree = bytes.readUInt16LE(place) === 0;
      if (isFree && size < objectHeaderBytes) throw new Error('a heap in it has no end');
      place += isFree ? size : objectHeaderBytes + Math.ceil(size / 8) * 8;
    }
  }
}

/** What `read` makes of an HDF5 file. @throws {Error} where it is damaged. */
export async function readHdf5<T>(data: Uint8Array, read: (root: Group) => T): Promise<T> {
  checkHeaps(data);
  const { hdf5, files } = await load();
  const name = '/read.h5';
  files.writeFile(name, data);
  let file: File | undefined;
  try {
    file = new hdf5.File(name, 'r');
    const result = read(file);
    file.close();
    return result;
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) {
      broken++;
      throw new Error('the HDF5 library fails on it');
    }
    file?.close();
    throw error;
  } finally {
    files.unlink(name);
  }
}

/** What is at a path; undefined where it is nothing, or of another type. */
export function entityOf<T extends Entity>(
  group: Group,
  path: string,
  type: 'Dataset' | 'Group',
): T | undefined {
  const found = group.get(path);
  return found && 'type' in found && (found.type as string) === type ? (found as T) : undefined;
}

/**
 * Reads datasets as floats; undefined where there is none at a path. What it reads is never more than the file can hold:
 * links, and datasets to which nothing was written, would let a small file ask for gigabytes.
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
    if (bytes > mostBytes) throw new Error(`${path} is larger than 1 GiB`);
    if (left < 0) throw new Error(`the datasets up to ${dataset.path} have more bytes than the file`);
    return readDataset(dataset, path);
  };
}

function readDataset(dataset: Dataset, path: string): Tensor {
  const shape = dataset.shape ?? [];
  const values = dataset.value;
  if (values instanceof Float32Array) return { shape, values };
  if (values instanceof Float64Array) return { shape, values: Float32Array.from(values) };
  throw new Error(`${path} holds no floating-point numbers`);
}
