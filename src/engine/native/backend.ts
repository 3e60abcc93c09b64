import type { tf } from '../../tensors/tf.ts';

/** One tensor: the id of its TensorFlow handle, or until there is one, the values to make it from. */
interface TensorEntry {
  shape: number[];
  dtype: number;
  id: number;
  values: tf.BackendValues | null;
}

export interface OutputMetadata {
  id: number;
  shape: number[];
  dtype: number;
}

interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

/** The parts of tfjs-node's backend that our kernels use. */
export interface NodeBackend {
  isUsingGpuDevice: boolean;
  binding: {
    TF_Version: string;
    createTensor(shape: number[], dtype: number, values: ArrayLike<number>): number;
    deleteTensor(id: number): void;
    executeOp(name: string, attributes: Attribute[], inputs: number[], outputs: number): OutputMetadata[];
  } & Record<string, number>;
  tensorMap: { get(dataId: object): TensorEntry; has(dataId: object): boolean };
  getInputTensorIds(tensors: tf.TensorInfo[]): number[];
  executeSingleInput(name: string, input: tf.TensorInfo): tf.Tensor;
  createOutputTensor(metadata: OutputMetadata): tf.Tensor;
  readSync(dataId: object): tf.BackendValues;
  incRef(dataId: object): void;
  disposeData(dataId: object, force?: boolean): boolean;
}

/** A data type by its name in the binding, or by its code in tensorflow/c/tf_datatype.h. */
type Type = { type: string } | { code: number };

type AttributeValue = string | number | number[] | boolean | Type | { shape: number[] } | { float: number };

/** e.g. { T: { type: 'TF_FLOAT' }, strides: [1, 2, 2, 1], padding: 'SAME', epsilon: { float: 1e-3 } } */
export type Attributes = Record<string, AttributeValue>;

export const float32 = { type: 'TF_FLOAT' };

function toAttribute({ binding }: NodeBackend, name: string, value: AttributeValue): Attribute {
  const attribute = (type: string, of: unknown) => ({ name, type: binding[type] as number, value: of });
  if (typeof value === 'string') return attribute('TF_ATTR_STRING', value);
  if (typeof value === 'boolean') return attribute('TF_ATTR_BOOL', value);
  if (typeof value === 'number' || Array.isArray(value)) return attribute('TF_ATTR_INT', value);
  if ('shape' in value) return attribute('TF_ATTR_SHAPE', value.shape);
  if ('float' in value) return attribute('TF_ATTR_FLOAT', value.float);
  return attribute('TF_ATTR_TYPE', 'code' in value ? value.code : binding[value.type]);
}

/** Runs a TensorFlow operation on handles; the caller owns the returned outputs. */
export function execute(
  backend: NodeBackend,
  operation: string,
  attributes: Attributes,
  inputs: number[],
  outputs = 1,
): OutputMetadata[] {
  const list = Object.entries(attributes).map(([name, value]) => toAttribute(backend, name, value));
  return backend.binding.executeOp(operation, list, inputs, outputs);
}

/** The id of the handle of an operation's only output. */
export function firstId(outputs: OutputMetadata[]): number {
  return (outputs[0] as OutputMetadata).id;
}

/** The same on tensors, for operations with one output. */
export function executeOnTensors(
  backend: NodeBackend,
  operation: string,
  attributes: Attributes,
  inputs: tf.TensorInfo[],
): tf.Tensor {
  const [output] = execute(backend, operation, attributes, backend.getInputTensorIds(inputs));
  return backend.createOutputTensor(output as OutputMetadata);
}
