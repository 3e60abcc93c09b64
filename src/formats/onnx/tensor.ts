import { sizeOf } from '../../tensors/shape.ts';
import { fromBfloat16, fromFloat16, type Tensor } from '../../tensors/tensors.ts';
import { dataTypes, type TensorMessage } from './protos.ts';

/** TensorProto.DataLocation. */
export const external = 1;

type Numbers = ArrayLike<number>;

interface Type {
  bytes: number;
  read(buffer: ArrayBuffer): Numbers;
  /** The field that holds the values where they are not raw bytes. */
  field: 'float_data' | 'int32_data' | 'int64_data' | 'double_data';
}

const types: Record<number, Type> = {
  [dataTypes.float32]: { bytes: 4, read: (buffer) => new Float32Array(buffer), field: 'float_data' },
  [dataTypes.float64]: { bytes: 8, read: (buffer) => new Float64Array(buffer), field: 'double_data' },
  [dataTypes.float16]: {
    bytes: 2,
    read: (buffer) => fromFloat16(new Uint16Array(buffer)),
    field: 'int32_data',
  },
  [dataTypes.bfloat16]: {
    bytes: 2,
    read: (buffer) => fromBfloat16(new Uint16Array(buffer)),
    field: 'int32_data',
  },
  [dataTypes.int8]: { bytes: 1, read: (buffer) => new Int8Array(buffer), field: 'int32_data' },
  [dataTypes.boolean]: { bytes: 1, read: (buffer) => new Uint8Array(buffer), field: 'int32_data' },
  [dataTypes.uint8]: { bytes: 1, read: (buffer) => new Uint8Array(buffer), field: 'int32_data' },
  [dataTypes.int32]: { bytes: 4, read: (buffer) => new Int32Array(buffer), field: 'int32_data' },
  [dataTypes.int64]: {
    bytes: 8,
    read: (buffer) => Array.from(new BigInt64Array(buffer), Number),
    field: 'int64_data',
  },
};

const halves: number[] = [dataTypes.float16, dataTypes.bfloat16];

/**
 * Reads a tensor's values as floats.
 * @param fail is called with what is wrong with the tensor.
 */
export function readTensor(message: TensorMessage, fail: (why: string) => never): Tensor {
  const { dims: shape, data_type: code } = message;
  if (message.data_location === external) fail('is in another file, which is allowed for weights only');
  const type = types[code] ?? fail(`has the data type ${code}, which bat-sup does not read`);
  const raw = message.raw_data ?? new Uint8Array();
  if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0)) fail(`has the shape [${shape}]`);
  const size = sizeOf(shape);
  if (raw.length > 0) {
    if (raw.length !== size * type.bytes) fail(`has ${raw.length} bytes for the shape [${shape}]`);
    // A copy, because the bytes may not be aligned for floats.
    return { shape, values: Float32Array.from(type.read(new Uint8Array(raw).buffer)) };
  }
  const listed = message[type.field] ?? [];
  if (listed.length !== size) fail(`has ${listed.length} values for the shape [${shape}]`);
  const values = halves.includes(code) ? type.read(Uint16Array.from(listed).buffer) : listed;
  return { shape, values: Float32Array.from(values) };
}
