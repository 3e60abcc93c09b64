/**
 * The fields of TensorFlow's messages, as protos.ts encodes and decodes them. The layers' formats.ts import these, and so
 * does the browser page, which has no protobufjs.
 */

/** DataType of types.proto. */
export const dataTypes = {
  float32: 1,
  int32: 3,
  uint8: 4,
  int8: 6,
  string: 7,
  int64: 9,
  bool: 10,
  float16: 19,
  resource: 20,
} as const;

export interface TensorShape {
  dim: { size: number }[];
  unknown_rank?: boolean;
}

export interface TensorMessage {
  dtype: number;
  tensor_shape: TensorShape | null;
  tensor_content?: Uint8Array;
  float_val?: number[];
  int_val?: number[];
  string_val?: Uint8Array[];
  int64_val?: number[];
}

/** A node's attribute: one of these. */
export interface AttrValue {
  s?: Uint8Array;
  i?: number;
  f?: number;
  b?: boolean;
  type?: number;
  shape?: TensorShape;
  tensor?: TensorMessage;
  list?: { s?: Uint8Array[]; i?: number[]; type?: number[]; shape?: TensorShape[] };
  func?: { name: string };
}

export interface NodeDef {
  name: string;
  op: string;
  input: string[];
  attr: { key: string; value: AttrValue | null }[];
}

export interface FunctionDef {
  signature: {
    name: string;
    input_arg: { name: string; type: number }[];
    output_arg: { name: string; type: number }[];
  };
  node_def: NodeDef[];
  ret: { key: string; value: string }[];
}

export interface GraphDef {
  node: NodeDef[];
  library?: { function: FunctionDef[] };
  versions?: { producer: number; min_consumer: number };
}

interface TensorInfo {
  name: string;
  dtype: number;
  tensor_shape: TensorShape;
}

export interface Signature {
  inputs: { key: string; value: TensorInfo }[];
  outputs: { key: string; value: TensorInfo }[];
  method_name: string;
}

export interface SaverDef {
  filename_tensor_name: string;
  save_tensor_name: string;
  restore_op_name: string;
  max_to_keep: number;
  version: number;
}

export interface MetaGraphDef {
  meta_info_def: { tags: string[]; tensorflow_version: string } | null;
  graph_def: GraphDef | null;
  saver_def: SaverDef | null;
  collection_def: { key: string; value: { bytes_list: { value: Uint8Array[] } } }[];
  signature_def: { key: string; value: Signature }[];
}

export interface VariableDef {
  variable_name: string;
  initializer_name: string;
  snapshot_name: string;
  initial_value_name: string;
  is_resource: boolean;
  trainable: boolean;
}

export interface BundleHeader {
  num_shards: number;
  /** 0: little. */
  endianness: number;
  version: { producer: number; min_consumer: number } | null;
}

export interface BundleEntry {
  dtype: number;
  shape: TensorShape | null;
  shard_id: number;
  offset: number;
  size: number;
  crc32c: number;
  slices: Uint8Array[];
}
