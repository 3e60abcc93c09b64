import { failPickle, type Pickled, type PickleReader, unpickle } from './pickle.ts';
import type { Storage } from './tensor.ts';

/** The first value of a file of PyTorch before 1.6, a pickle of its own. */
const magic = 0x1950a86a20f9469cfc6cn;
const version = 1001;

/** Whether a file begins like one of PyTorch before 1.6: the pickle of a number. */
export function looksLegacy(data: Uint8Array): boolean {
  return data[0] === 0x80 && data[2] === 0x8a && data[3] === 10;
}

/** Of a file's pickles only the fourth holds tensors. */
const plain: PickleReader = {
  global: () => undefined,
  persistent: () => failPickle('its beginning holds a tensor'),
};

/**
 * Reads what `_use_new_zipfile_serialization=False` writes: pickles of a magic number, a version, facts about the machine,
 * the object, and a list of storages' keys; then each storage: a 64-bit length and its elements, always little-endian.
 */
export function readLegacy(
  data: Uint8Array,
  reader: PickleReader,
  storages: Map<string, Storage>,
): { value: Pickled; bytesOf: (key: string) => Uint8Array } {
  const first = unpickle(data, 0, plain);
  const second = unpickle(data, first.end, plain);
  if (first.value !== magic || second.value !== version) failPickle('it was not written by torch.save');
  const facts = unpickle(data, second.end, plain);
  const { value, end } = unpickle(data, facts.end, reader);
  const keys = unpickle(data, end, plain);
  const parts = new Map<string, Uint8Array>();
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let at = keys.end;
  for (const key of Array.isArray(keys.value) ? keys.value : failPickle('it does not list its storages')) {
    const storage = storages.get(String(key));
    if (!storage || parts.has(storage.key)) failPickle('its list of storages is not that of its tensors');
    const size = storage.length * storage.dtype.bytes;
    if (at + 8 + size > data.length) failPickle('it ends early');
    if (view.getBigUint64(at, true) !== BigInt(storage.length))
      failPickle('the length of a storage is not that of its tensors');
    parts.set(storage.key, data.subarray(at + 8, at + 8 + size));
    at += 8 + size;
  }
  if (at !== data.length) failPickle('it has bytes after its storages');
  return { value, bytesOf: (key) => parts.get(key) ?? failPickle(`its storage ${key} is missing`) };
}
