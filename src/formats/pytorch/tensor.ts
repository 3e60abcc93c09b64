import { sizeOf } from '../../tensors/shape.ts';
import { fromBfloat16, fromFloat16, strided, type Tensor } from '../../tensors/tensors.ts';
import { failPickle, isA, type Pickled, type PickledObject } from './pickle.ts';

/** The type of a storage's elements. */
export interface Dtype extends PickledObject {
  kind: 'dtype';
  name: string;
  /** Bytes per element. */
  bytes: number;
  /** Converts elements in little-endian order to float32. @throws {RangeError} where one cannot be converted. */
  read(elements: ArrayBuffer): Float32Array;
}

const dtype = (name: string, bytes: number, read: Dtype['read']): Dtype => ({
  kind: 'dtype',
  name,
  bytes,
  read,
});

/** Whole numbers, which float32 may not hold. */
function exactly(numbers: Iterable<number | bigint>): Float32Array {
  return Float32Array.from(Array.from(numbers), (one) => {
    const value = Number(one);
    return Math.fround(value) === value
      ? value
      : failPickle(`it holds the number ${one}, which float32 cannot hold`);
  });
}

function narrowed(numbers: Float64Array): Float32Array {
  return Float32Array.from(numbers, (value) => {
    const isTooLarge = Number.isFinite(value) && !Number.isFinite(Math.fround(value));
    return isTooLarge ? failPickle(`it holds the number ${value}, which float32 cannot hold`) : value;
  });
}

/** By the name of PyTorch's storage class. */
export const dtypes: Record<string, Dtype> = {
  FloatStorage: dtype('float32', 4, (elements) => new Float32Array(elements)),
  HalfStorage: dtype('float16', 2, (elements) => fromFloat16(new Uint16Array(elements))),
  BFloat16Storage: dtype('bfloat16', 2, (elements) => fromBfloat16(new Uint16Array(elements))),
  DoubleStorage: dtype('float64', 8, (elements) => narrowed(new Float64Array(elements))),
  LongStorage: dtype('int64', 8, (elements) => exactly(new BigInt64Array(elements))),
  IntStorage: dtype('int32', 4, (elements) => exactly(new Int32Array(elements))),
  ShortStorage: dtype('int16', 2, (elements) => exactly(new Int16Array(elements))),
  CharStorage: dtype('int8', 1, (elements) => exactly(new Int8Array(elements))),
  ByteStorage: dtype('uint8', 1, (elements) => exactly(new Uint8Array(elements))),
  BoolStorage: dtype('bool', 1, (elements) => exactly(new Uint8Array(elements))),
};

/** Elements in a row, which several tensors may share. */
export interface Storage extends PickledObject {
  kind: 'storage';
  key: string;
  dtype: Dtype;
  /** Elements. */
  length: number;
}

/** A tensor: a view of a storage. */
export interface StoredTensor extends PickledObject {
  kind: 'tensor';
  storage: Storage;
  /** The first element's index in the storage. */
  offset: number;
  shape: number[];
  /** Elements between two neighbours along each axis. */
  strides: number[];
}

/** PyTorch allows as many. */
const maxAxes = 64;

/** Index of a tensor's last element in its storage; -1 without elements. */
function lastOf({ offset, shape, strides }: StoredTensor): number {
  if (shape.includes(0)) return -1;
  return shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] as number), offset);
}

function countsOf(value: Pickled | undefined, what: string): number[] {
  const isCount = (one: Pickled) => typeof one === 'number' && Number.isSafeInteger(one) && one >= 0;
  if (!Array.isArray(value) || value.length > maxAxes || !value.every(isCount))
    failPickle(`it holds a tensor whose ${what} is invalid`);
  return value as number[];
}

/** torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata) */
export function rebuildTensor([storage, offset, size, stride, , , metadata]: Pickled[]): StoredTensor {
  if (!isA<Storage>(storage, 'storage')) failPickle('it holds a tensor without a storage');
  const [start] = countsOf([offset ?? null], 'offset') as [number];
  const shape = countsOf(size, 'shape');
  const strides = countsOf(stride, 'stride');
  if (strides.length !== shape.length)
    failPickle('it holds a tensor whose shape and stride differ in length');
  // Flags such as a negation that has not been carried out yet.
  if (metadata instanceof Map && metadata.size > 0)
    failPickle('it holds a view that negates or conjugates its values');
  const tensor: StoredTensor = { kind: 'tensor', storage, offset: start, shape, strides };
  if (!Number.isSafeInteger(sizeOf(shape)) || lastOf(tensor) >= storage.length)
    failPickle(
      `it holds a tensor of shape [${shape}] that reaches beyond its storage of ${storage.length} elements`,
    );
  return tensor;
}

/** The elements of a part of a storage, whose bytes may be in the order of a big-endian machine. */
function elementsOf({ dtype }: Storage, bytes: Uint8Array, isBigEndian: boolean): Float32Array {
  // A copy, because the bytes may not be aligned, and are not to be changed.
  const copy = Buffer.from(new Uint8Array(bytes).buffer);
  if (isBigEndian && dtype.bytes === 2) copy.swap16();
  if (isBigEndian && dtype.bytes === 4) copy.swap32();
  if (isBigEndian && dtype.bytes === 8) copy.swap64();
  return dtype.read(copy.buffer as ArrayBuffer);
}

/**
 * A tensor's values as float32.
 * @param bytes of its whole storage.
 * @throws {RangeError} where float32 cannot hold them.
 */
export function readValues(tensor: StoredTensor, bytes: Uint8Array, isBigEndian: boolean): Tensor {
  const { storage, offset, shape, strides } = tensor;
  const size = storage.dtype.bytes;
  const elements = elementsOf(
    storage,
    bytes.subarray(offset * size, (lastOf(tensor) + 1) * size),
    isBigEndian,
  );
  return { shape, values: strided(elements, { shape, strides }) };
}
