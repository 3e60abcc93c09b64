import * as proto from './protobuf.ts';

/** DataType and DataClass numbers of types.proto and summary.proto. */
const floatType = 1;
const scalarClass = 1;

/** SummaryMetadata: the dashboard that shows a value. */
const scalarMetadata = Buffer.concat([
  proto.message(1, proto.bytes(1, 'scalars')),
  proto.varint(4, scalarClass),
]);

/**
 * Summary of scalars, by tag, as rank-0 float tensors (summary.proto: Value has tag = 1, tensor = 8,
 * metadata = 9; tensor.proto: dtype = 1, tensor_shape = 2, float_val = 5).
 */
export function scalarSummary(scalars: Record<string, number>): Buffer {
  const values = Object.entries(scalars).map(([tag, value]) =>
    proto.message(
      1,
      proto.bytes(1, tag),
      proto.message(8, proto.varint(1, floatType), proto.message(2), proto.float(5, value)),
      proto.bytes(9, scalarMetadata),
    ),
  );
  return Buffer.concat(values);
}
