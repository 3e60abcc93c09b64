import { readZip, type ZipEntry } from '../../system/zip.ts';
import { failPickle, type Pickled, type PickleReader, unpickle } from './pickle.ts';
import type { Storage } from './tensor.ts';

/** torch.save does not compress; a file that somebody has packed again holds hardly less. */
const maxCompression = 16;

export interface Archive {
  value: Pickled;
  isBigEndian: boolean;
  bytesOf: (key: string) => Uint8Array;
}

/** Finds 'archive/' before data.pkl: the folder that everything is in. */
function folderIn(entries: Map<string, ZipEntry>): string {
  const names = [...entries.keys()];
  const isScript = names.some((name) => /^[^/]+\/(constants\.pkl|code\/)/.test(name));
  if (isScript) failPickle('it is a TorchScript archive, which holds a program');
  const found = names.filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (found.length !== 1) failPickle('it is a zip archive, but not one of torch.save');
  return (found[0] as string).slice(0, -'data.pkl'.length);
}

/**
 * Reads what torch.save has written since PyTorch 1.6: a zip archive of data.pkl, byteorder, and data/<key> for each
 * storage.
 */
export function readArchive(data: Uint8Array, reader: PickleReader, storages: Map<string, Storage>): Archive {
  const entries = readZip(data);
  const unpacked = [...entries.values()].reduce((sum, { size }) => sum + size, 0);
  if (unpacked > data.length * maxCompression) failPickle(`it would have ${unpacked} bytes, unpacked`);
  const folder = folderIn(entries);
  const entry = (name: string) => entries.get(folder + name);
  const { value } = unpickle(entry('data.pkl')?.read() ?? new Uint8Array(), 0, reader);
  const order = Buffer.from(entry('byteorder')?.read() ?? Buffer.from('little')).toString('latin1');
  if (order !== 'little' && order !== 'big') failPickle('its order of bytes is unknown');
  const bytesOf = (key: string): Uint8Array => {
    const { dtype, length } = storages.get(key) as Storage;
    const stored = entry(`data/${key}`) ?? failPickle(`its storage ${key} is missing`);
    if (stored.size !== length * dtype.bytes)
      failPickle(`its storage ${key} has ${stored.size} bytes instead of ${length * dtype.bytes}`);
    return stored.read();
  };
  return { value, isBigEndian: order === 'big', bytesOf };
}
