import protobuf from 'protobufjs';
import { messageOf } from '../protobuf.ts';
import type { BundleEntry, BundleHeader, GraphDef, MetaGraphDef, VariableDef } from './messages.ts';

/**
 * The part of TensorFlow's messages that a checkpoint and a SavedModel need; the numbers are those of the .proto files
 * below tensorflow/core/framework and tensorflow/core/protobuf. A map is written as the repeated entries that it is on
 * the wire, so that a name of a foreign file never becomes a property's.
 */
const { root } = protobuf.parse(
  `
  syntax = "proto3";

  // tensor_shape.proto, tensor.proto
  message TensorShape {
    message Dim { int64 size = 1; }
    repeated Dim dim = 2;
    bool unknown_rank = 3;
  }
  message Tensor {
    int32 dtype = 1;
    TensorShape tensor_shape = 2;
    bytes tensor_content = 4;
    repeated float float_val = 5;
    repeated int32 int_val = 7;
    repeated bytes string_val = 8;
    repeated int64 int64_val = 10;
  }

  // attr_value.proto, node_def.proto, op_def.proto, function.proto, graph.proto
  message AttrValue {
    message List {
      repeated bytes s = 2;
      repeated int64 i = 3;
      repeated int32 type = 6;
      repeated TensorShape shape = 7;
    }
    message Func { string name = 1; }
    oneof value {
      bytes s = 2;
      int64 i = 3;
      float f = 4;
      bool b = 5;
      int32 type = 6;
      TensorShape shape = 7;
      Tensor tensor = 8;
      List list = 1;
      Func func = 10;
    }
  }
  message Attr { string key = 1; AttrValue value = 2; }
  message NodeDef {
    string name = 1;
    string op = 2;
    repeated string input = 3;
    repeated Attr attr = 5;
  }
  message OpDef {
    message Arg { string name = 1; int32 type = 3; }
    string name = 1;
    repeated Arg input_arg = 2;
    repeated Arg output_arg = 3;
  }
  message FunctionDef {
    message Return { string key = 1; string value = 2; }
    OpDef signature = 1;
    repeated NodeDef node_def = 3;
    repeated Return ret = 4;
  }
  message FunctionLibrary { repeated FunctionDef function = 1; }
  message Versions { int32 producer = 1; int32 min_consumer = 2; }
  message GraphDef {
    repeated NodeDef node = 1;
    FunctionLibrary library = 2;
    Versions versions = 4;
  }

  // variable.proto
  message VariableDef {
    string variable_name = 1;
    string initializer_name = 2;
    string snapshot_name = 3;
    bool is_resource = 5;
    string initial_value_name = 6;
    bool trainable = 7;
  }

  // saver.proto, meta_graph.proto, saved_model.proto
  message SaverDef {
    string filename_tensor_name = 1;
    string save_tensor_name = 2;
    string restore_op_name = 3;
    int32 max_to_keep = 4;
    bool sharded = 5;
    float keep_checkpoint_every_n_hours = 6;
    int32 version = 7;
  }
  message TensorInfo { string name = 1; int32 dtype = 2; TensorShape tensor_shape = 3; }
  message Signature {
    message Entry { string key = 1; TensorInfo value = 2; }
    repeated Entry inputs = 1;
    repeated Entry outputs = 2;
    string method_name = 3;
  }
  message MetaGraphDef {
    message MetaInfo {
      repeated string tags = 4;
      string tensorflow_version = 5;
    }
    message BytesList { repeated bytes value = 1; }
    message Collection { BytesList bytes_list = 2; }
    message CollectionEntry { string key = 1; Collection value = 2; }
    message SignatureEntry { string key = 1; Signature value = 2; }
    MetaInfo meta_info_def = 1;
    GraphDef graph_def = 2;
    SaverDef saver_def = 3;
    repeated CollectionEntry collection_def = 4;
    repeated SignatureEntry signature_def = 5;
  }
  message SavedModel {
    int64 saved_model_schema_version = 1;
    repeated MetaGraphDef meta_graphs = 2;
  }

  // tensor_bundle.proto
  message BundleHeader {
    int32 num_shards = 1;
    int32 endianness = 2;
    Versions version = 3;
  }
  message BundleEntry {
    int32 dtype = 1;
    TensorShape shape = 2;
    int32 shard_id = 3;
    int64 offset = 4;
    int64 size = 5;
    fixed32 crc32c = 6;
    repeated bytes slices = 7;
  }
`,
  { keepCase: true },
);

export const graphs = messageOf<GraphDef>(root, 'GraphDef');
export const metaGraphs = messageOf<MetaGraphDef>(root, 'MetaGraphDef');
export const savedModels = messageOf<{ saved_model_schema_version: number; meta_graphs: MetaGraphDef[] }>(
  root,
  'SavedModel',
);
export const variableDefs = messageOf<VariableDef>(root, 'VariableDef');
export const bundleHeaders = messageOf<BundleHeader>(root, 'BundleHeader');
export const bundleEntries = messageOf<BundleEntry>(root, 'BundleEntry');
