import { Builder, type Offset } from 'flatbuffers';

/**
 * LiteRT's file format: plain objects, and the code that writes them. The numbers of fields are those of
 * tensorflow/compiler/mlir/lite/schema/schema.fbs.
 */

/** TensorType */
export const types = { float32: 0, float16: 1, int32: 2, uint8: 3, int8: 9 } as const;

/** An operator: its BuiltinOperator code, its version, and the code of its table of options (BuiltinOptions). */
export interface Operator {
  code: number;
  version: number;
  options: number;
}

export interface TensorTable {
  name: string;
  /** A first axis of -1 is the batch. */
  shape: number[];
  type: number;
  /** The bytes of a constant; absent where the tensor is computed. */
  data?: Uint8Array;
  scales?: Float32Array;
  /** The axis of the scales, where there are several. */
  scaleAxis?: number | undefined;
}

/** A field of a table: its number in the schema, and its value under the name of its type. */
export type Field =
  | { slot: number; int8: number }
  | { slot: number; int32: number }
  | { slot: number; float32: number };

export interface OperatorTable {
  operator: Operator;
  /** Indices in the list of tensors. */
  inputs: number[];
  outputs: number[];
  options: Field[];
}

export interface ModelTables {
  description: string;
  tensors: TensorTable[];
  operators: OperatorTable[];
  input: number;
  /** Indices of the outputs, by their names in the signature. */
  outputs: Record<string, number>;
}

type StoredField = Field | { slot: number; offset: Offset };

function table(builder: Builder, size: number, fields: StoredField[]): Offset {
  builder.startObject(size);
  for (const field of fields) {
    if ('offset' in field) builder.addFieldOffset(field.slot, field.offset, 0);
    // A default of NaN, so that every value is written.
    else if ('int8' in field) builder.addFieldInt8(field.slot, field.int8, Number.NaN);
    else if ('int32' in field) builder.addFieldInt32(field.slot, field.int32, Number.NaN);
    else builder.addFieldFloat32(field.slot, field.float32, Number.NaN);
  }
  return builder.endObject();
}

function vector(builder: Builder, count: number, bytes: number, add: (index: number) => void): Offset {
  builder.startVector(bytes, count, bytes);
  for (let index = count - 1; index >= 0; index--) add(index);
  return builder.endVector();
}

const offsets = (builder: Builder, list: Offset[]) =>
  vector(builder, list.length, 4, (index) => builder.addOffset(list[index] as Offset));
const ints = (builder: Builder, list: number[]) =>
  vector(builder, list.length, 4, (index) => builder.addInt32(list[index] as number));

/** LiteRT requires data aligned to 16 bytes. */
function alignedBytes(builder: Builder, data: Uint8Array): Offset {
  builder.prep(16, data.length);
  return builder.createByteVector(data);
}

/** QuantizationParameters: one scale, or one for each index of an axis; all zero points are 0. */
function quantization(builder: Builder, scales: Float32Array, axis: number): Offset {
  const scale = vector(builder, scales.length, 4, (index) => builder.addFloat32(scales[index] as number));
  const zeroPoint = vector(builder, scales.length, 8, () => builder.addInt64(0n));
  return table(builder, 7, [
    { slot: 2, offset: scale },
    { slot: 3, offset: zeroPoint },
    { slot: 6, int32: axis },
  ]);
}

function tensorTable(
  builder: Builder,
  { name, shape, type, scales, scaleAxis = 0 }: TensorTable,
  buffer: number,
): Offset {
  const isBatch = shape[0] === -1;
  const fields: StoredField[] = [
    { slot: 0, offset: ints(builder, isBatch ? [1, ...shape.slice(1)] : shape) },
    { slot: 1, int8: type },
    { slot: 2, int32: buffer },
    { slot: 3, offset: builder.createString(name) },
  ];
  if (scales) fields.push({ slot: 4, offset: quantization(builder, scales, scaleAxis) });
  if (isBatch) fields.push({ slot: 7, offset: ints(builder, shape) });
  return table(builder, 8, fields);
}

/** Operators of one code and version share an entry. */
const codeOf = ({ code, version }: Operator) => `${code} ${version}`;

function operatorTable(
  builder: Builder,
  { operator, inputs, outputs, options }: OperatorTable,
  codes: string[],
): Offset {
  const fields: StoredField[] = [
    { slot: 0, int32: codes.indexOf(codeOf(operator)) },
    { slot: 1, offset: ints(builder, inputs) },
    { slot: 2, offset: ints(builder, outputs) },
  ];
  if (operator.options !== 0)
    fields.push({ slot: 3, int8: operator.options }, { slot: 4, offset: table(builder, 8, options) });
  return table(builder, 5, fields);
}

/** OperatorCode; its first field dates from when codes fitted into seven bits. */
function codeTable(builder: Builder, { code, version }: Operator): Offset {
  return table(builder, 4, [
    { slot: 0, int8: Math.min(code, 127) },
    { slot: 2, int32: version },
    { slot: 3, int32: code },
  ]);
}

/** SignatureDef: the names of the inputs and outputs. */
function signature(builder: Builder, { tensors, input, outputs }: ModelTables): Offset {
  const map = (name: string, tensor: number) =>
    table(builder, 2, [
      { slot: 0, offset: builder.createString(name) },
      { slot: 1, int32: tensor },
    ]);
  const inputs = offsets(builder, [map(tensors[input]?.name ?? '', input)]);
  const maps = Object.entries(outputs).map(([name, tensor]) => map(name, tensor));
  return table(builder, 5, [
    { slot: 0, offset: inputs },
    { slot: 1, offset: offsets(builder, maps) },
    { slot: 2, offset: builder.createString('serving_default') },
    { slot: 4, int32: 0 },
  ]);
}

/** The bytes of a .tflite file. */
export function writeModel(model: ModelTables): Uint8Array {
  const builder = new Builder(1024);
  // Buffer 0 is empty, for the tensors that are computed.
  const constants = model.tensors.filter(({ data }) => data !== undefined);
  const buffers = constants.map(({ data }) =>
    table(builder, 1, [{ slot: 0, offset: alignedBytes(builder, data as Uint8Array) }]),
  );
  const empty = table(builder, 1, []);
  const tensors = model.tensors.map((tensor) => tensorTable(builder, tensor, constants.indexOf(tensor) + 1));
  const codes = new Map(model.operators.map(({ operator }) => [codeOf(operator), operator]));
  const written = model.operators.map((one) => operatorTable(builder, one, [...codes.keys()]));
  const subgraph = table(builder, 5, [
    { slot: 0, offset: offsets(builder, tensors) },
    { slot: 1, offset: ints(builder, [model.input]) },
    { slot: 2, offset: ints(builder, Object.values(model.outputs)) },
    { slot: 3, offset: offsets(builder, written) },
    { slot: 4, offset: builder.createString('main') },
  ]);
  const root = table(builder, 8, [
    { slot: 0, int32: 3 },
    {
      slot: 1,
      offset: offsets(
        builder,
        [...codes.values()].map((operator) => codeTable(builder, operator)),
      ),
    },
    { slot: 2, offset: offsets(builder, [subgraph]) },
    { slot: 3, offset: builder.createString(model.description) },
    { slot: 4, offset: offsets(builder, [empty, ...buffers]) },
    { slot: 7, offset: offsets(builder, [signature(builder, model)]) },
  ]);
  builder.finish(root, 'TFL3');
  return builder.asUint8Array();
}
