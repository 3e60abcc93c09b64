import * as proto from './protobuf.ts';

/** DataType numbers of types.proto. */
const floatType = 1;
const doubleType = 2;
const stringType = 7;

/** DataClass numbers of summary.proto: how TensorBoard stores the data of a dashboard. */
export const dataClass = { scalar: 1, tensor: 2, blobs: 3 };

/** SummaryMetadata.plugin_data: the dashboard that shows a value, with its own serialised metadata. */
export interface Dashboard {
  plugin: string;
  dataClass: number;
  content?: Uint8Array;
}

/** tensor.proto: dtype = 1, tensor_shape = 2 (whose dim = 2 has size = 1). */
function tensor(type: number, shape: number[], values: Uint8Array): Buffer {
  const dimensions = shape.map((size) => proto.message(2, proto.varint(1, size)));
  return Buffer.concat([proto.varint(1, type), proto.message(2, ...dimensions), values]);
}

/** A TensorProto of numbers (tensor_content = 4, little-endian). */
export function numbersTensor(shape: number[], values: Float32Array | Float64Array): Buffer {
  const type = values instanceof Float32Array ? floatType : doubleType;
  const content = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return tensor(type, shape, proto.bytes(4, content));
}

/** A TensorProto of strings or files (string_val = 8). */
export function stringsTensor(shape: number[], values: (string | Uint8Array)[]): Buffer {
  return tensor(stringType, shape, Buffer.concat(values.map((value) => proto.bytes(8, value))));
}

/**
 * One value of a Summary (summary.proto: Value has tag = 1, tensor = 8, metadata = 9; metadata has plugin_data = 1,
 * summary_description = 3, data_class = 4). A Summary is the concatenation of its values.
 * @param description Markdown that the dashboard shows with the value.
 */
export function summaryValue(
  tag: string,
  tensor: Uint8Array,
  { plugin, dataClass, content = new Uint8Array() }: Dashboard,
  description = '',
): Buffer {
  const metadata = [
    proto.message(1, proto.bytes(1, plugin), proto.bytes(2, content)),
    proto.bytes(3, description),
    proto.varint(4, dataClass),
  ];
  return proto.message(1, proto.bytes(1, tag), proto.bytes(8, tensor), proto.message(9, ...metadata));
}
