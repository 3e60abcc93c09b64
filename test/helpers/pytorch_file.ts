/** Writes PyTorch files as torch.save does, or as somebody who means harm would. */
import { crc32, deflateRawSync } from 'node:zlib';

/** A tensor to write: a view of a storage. */
export interface WrittenTensor {
  /** The storage's key; tensors with the same key share it. */
  storage: string;
  /** PyTorch's storage class. */
  type?: string;
  /** Elements of the storage. */
  length: number;
  offset?: number;
  shape: number[];
  strides?: number[];
}

const bytes = (...values: number[]) => Buffer.from(values);
const int32 = (value: number) => {
  const data = Buffer.alloc(4);
  data.writeInt32LE(value);
  return data;
};
const int64 = (value: number | bigint) => {
  const data = Buffer.alloc(8);
  data.writeBigInt64LE(BigInt(value));
  return data;
};

/** Opcodes of a pickle of protocol 2. */
export const pickle = {
  text: (value: string) => Buffer.concat([bytes(0x58), int32(Buffer.byteLength(value)), Buffer.from(value)]),
  number: (value: number) =>
    value >= 2 ** 31
      ? Buffer.concat([bytes(0x8a, 8), int64(value)])
      : Buffer.concat([bytes(0x4a), int32(value)]),
  global: (name: string) => {
    const dot = name.lastIndexOf('.');
    return Buffer.from(`c${name.slice(0, dot)}\n${name.slice(dot + 1)}\n`);
  },
  tuple: (...items: Buffer[]) => Buffer.concat([bytes(0x28), ...items, bytes(0x74)]),
  call: (name: string, ...args: Buffer[]) =>
    Buffer.concat([pickle.global(name), pickle.tuple(...args), bytes(0x52)]),
  dict: (entries: [Buffer, Buffer][]) => Buffer.concat([bytes(0x7d, 0x28), ...entries.flat(), bytes(0x75)]),
  none: bytes(0x4e),
  whole: (value: Buffer) => Buffer.concat([bytes(0x80, 2), value, bytes(0x2e)]),
};

const stridesOf = (shape: number[]) =>
  shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));

/** The pickle of a tensor. */
export function pickledTensor({
  storage,
  type = 'FloatStorage',
  length,
  offset = 0,
  shape,
  strides = stridesOf(shape),
}: WrittenTensor): Buffer {
  const numbers = (values: number[]) => pickle.tuple(...values.map(pickle.number));
  const id = [
    pickle.text('storage'),
    pickle.global(`torch.${type}`),
    pickle.text(storage),
    pickle.text('cpu'),
    pickle.number(length),
  ];
  const stored = Buffer.concat([pickle.tuple(...id), bytes(0x51)]);
  const hooks = pickle.call('collections.OrderedDict');
  return pickle.call(
    'torch._utils._rebuild_tensor_v2',
    ...[stored, pickle.number(offset), numbers(shape), numbers(strides), bytes(0x89), hooks],
  );
}

/** The pickle of a state_dict. */
export function pickledState(tensors: Record<string, WrittenTensor>): Buffer {
  return pickle.dict(
    Object.entries(tensors).map(([name, tensor]) => [pickle.text(name), pickledTensor(tensor)]),
  );
}

export interface WrittenEntry {
  name: string;
  data: Buffer;
  deflate?: boolean;
}

/** A zip archive. @param data.packed replaces the packed bytes. */
export function zip(entries: WrittenEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, data, deflate } of entries) {
    const packed = deflate ? deflateRawSync(data) : data;
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(deflate ? 8 : 0, 8);
    header.writeUInt32LE(crc32(data), 14);
    header.writeUInt32LE(packed.length, 18);
    header.writeUInt32LE(data.length, 22);
    header.writeUInt16LE(Buffer.byteLength(name), 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    header.copy(entry, 6, 4, 30);
    entry.writeUInt32LE(at, 42);
    directory.push(entry, Buffer.from(name));
    parts.push(header, Buffer.from(name), packed);
    at += header.length + Buffer.byteLength(name) + packed.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, list, end]);
}

/** A file of PyTorch since 1.6. @param storages their bytes by key. */
export function writeArchive(
  value: Buffer,
  storages: Record<string, Buffer>,
  { deflate = false, byteorder = 'little' } = {},
): Buffer {
  const entry = (name: string, data: Buffer) => ({ name: `archive/${name}`, data, deflate });
  return zip([
    entry('data.pkl', pickle.whole(value)),
    entry('byteorder', Buffer.from(byteorder)),
    ...Object.entries(storages).map(([key, data]) => entry(`data/${key}`, data)),
  ]);
}

/** A file of PyTorch before 1.6. @param storages their bytes and number of elements by key. */
export function writeLegacy(
  value: Buffer,
  storages: Record<string, { data: Buffer; length: number }>,
): Buffer {
  const magic = Buffer.concat([bytes(0x8a, 10), Buffer.from('6cfc9c46f9206aa85019', 'hex')]);
  const list = Buffer.concat([bytes(0x5d, 0x28), ...Object.keys(storages).map(pickle.text), bytes(0x65)]);
  const facts = pickle.dict([[pickle.text('little_endian'), bytes(0x88)]]);
  return Buffer.concat([
    ...[magic, pickle.number(1001), facts, value, list].map(pickle.whole),
    ...Object.values(storages).flatMap(({ data, length }) => [int64(length), data]),
  ]);
}

export const floats = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer);
