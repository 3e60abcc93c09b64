import type { AttrValue, NodeDef, TensorMessage } from './protos.ts';
import { dataTypes } from './protos.ts';

const { float32, int32, string } = dataTypes;

const tensorShape = (shape: number[]) => ({ dim: shape.map((size) => ({ size })) });
const utf8 = (text: string) => Buffer.from(text);

/** Values of a node's attributes. In shapes -1 stands for a length that is not known, as of the batch. */
export const attribute = {
  type: (type: number): AttrValue => ({ type }),
  text: (text: string): AttrValue => ({ s: utf8(text) }),
  bool: (b: boolean): AttrValue => ({ b }),
  float: (f: number): AttrValue => ({ f }),
  integers: (i: number[]): AttrValue => ({ list: { i } }),
  types: (type: number[]): AttrValue => ({ list: { type } }),
  shape: (shape: number[]): AttrValue => ({ shape: tensorShape(shape) }),
  shapes: (shapes: number[][]): AttrValue => ({ list: { shape: shapes.map(tensorShape) } }),
  /** A window or a stride within [batch, height, width, channels]. */
  square: (size: number): AttrValue => attribute.integers([1, size, size, 1]),
};

/** Tensors that a graph holds itself: a number, or a list. */
export const constant = {
  float: (value: number): TensorMessage => ({
    dtype: float32,
    tensor_shape: tensorShape([]),
    float_val: [value],
  }),
  /** Of whatever type: a tensor that lists no values is of zeros. */
  zero: (type: number): TensorMessage => ({ dtype: type, tensor_shape: tensorShape([]) }),
  integer: (value: number): TensorMessage => ({
    dtype: int32,
    tensor_shape: tensorShape([]),
    int_val: [value],
  }),
  floats: (values: number[]): TensorMessage => ({
    dtype: float32,
    tensor_shape: tensorShape([values.length]),
    float_val: values,
  }),
  integers: (values: number[], shape = [values.length]): TensorMessage => ({
    dtype: int32,
    tensor_shape: tensorShape(shape),
    int_val: values,
  }),
  text: (value: string): TensorMessage => ({
    dtype: string,
    tensor_shape: tensorShape([]),
    string_val: [utf8(value)],
  }),
  texts: (values: string[]): TensorMessage => ({
    dtype: string,
    tensor_shape: tensorShape([values.length]),
    string_val: values.map(utf8),
  }),
};

export interface NodeOptions {
  /** Where absent, the operation's. */
  name?: string;
  attributes?: Record<string, AttrValue>;
}

/** Nodes under construction. Each is given by its name, as TensorFlow 1 makes it: 'Conv2D', 'Conv2D_1' ... */
export class Graph {
  readonly nodes: NodeDef[] = [];
  readonly #uses = new Map<string, number>();

  /** @param inputs names of nodes, or of their outputs ('RestoreV2:1'), or '^name' for what is to run before. */
  add(op: string, inputs: string[], { name = op, attributes = {} }: NodeOptions = {}): string {
    return this.#push(op, inputs, this.#unique(name), attributes);
  }

  #unique(name: string): string {
    const before = this.#uses.get(name) ?? 0;
    this.#uses.set(name, before + 1);
    return before === 0 ? name : `${name}_${before}`;
  }

  #push(op: string, input: string[], name: string, attributes: Record<string, AttrValue>): string {
    const attr = Object.entries(attributes).map(([key, value]) => ({ key, value }));
    this.nodes.push({ name, op, input, attr });
    return name;
  }

  /** An operation of float32. */
  float(op: string, inputs: string[], { name, attributes }: NodeOptions = {}): string {
    const all = { T: attribute.type(float32), ...attributes };
    return this.add(op, inputs, { ...(name && { name }), attributes: all });
  }

  /** Numbers of one type as another. */
  cast(input: string, from: number, to: number, name = 'Cast'): string {
    const attributes = { SrcT: attribute.type(from), DstT: attribute.type(to) };
    return this.add('Cast', [input], { name, attributes });
  }

  constant(name: string, tensor: TensorMessage): string {
    return this.add('Const', [], {
      name,
      attributes: { dtype: attribute.type(tensor.dtype), value: { tensor } },
    });
  }

  placeholder(name: string, type: number, shape: number[]): string {
    const attributes = { dtype: attribute.type(type), shape: attribute.shape(shape) };
    return this.add('Placeholder', [], { name, attributes });
  }

  /** A variable: 'Variable', 'Variable_1' ... TensorFlow 2 tells them apart by their shared names alone. */
  variable(type: number, shape: number[], wanted = 'Variable'): string {
    const name = this.#unique(wanted);
    return this.#push('VarHandleOp', [], name, {
      dtype: attribute.type(type),
      shape: attribute.shape(shape),
      shared_name: attribute.text(name),
    });
  }
}
