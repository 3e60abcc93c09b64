import { heightAndWidth, type Size2D, type Window } from '../../layers/window.ts';
import { type AttrValue, dataTypes, type TensorMessage } from './messages.ts';

const { float32, int32, string } = dataTypes;

const tensorShape = (shape: number[]) => ({ dim: shape.map((size) => ({ size })) });
const utf8 = (text: string) => Buffer.from(text);

/** Values of a node's attributes. In shapes -1 stands for a length that is not known, as of the batch. */
export const attribute = {
  type: (type: number): AttrValue => ({ type }),
  text: (text: string): AttrValue => ({ s: utf8(text) }),
  bool: (b: boolean): AttrValue => ({ b }),
  float: (f: number): AttrValue => ({ f }),
  integer: (i: number): AttrValue => ({ i }),
  integers: (i: number[]): AttrValue => ({ list: { i } }),
  types: (type: number[]): AttrValue => ({ list: { type } }),
  shape: (shape: number[]): AttrValue => ({ shape: tensorShape(shape) }),
  shapes: (shapes: number[][]): AttrValue => ({ list: { shape: shapes.map(tensorShape) } }),
  /** A window or a stride within [batch, height, width, channels]. */
  size2D: (size: Size2D): AttrValue => attribute.integers([1, ...heightAndWidth(size), 1]),
};

/** How windows are placed, as Conv2D, MaxPool and the like have it. */
export const windowAttributes = ({ stride, padding }: Pick<Window, 'stride' | 'padding'>) => ({
  strides: attribute.size2D(stride),
  padding: attribute.text(padding.toUpperCase()),
});

/** Tensors that a graph holds itself: a number, or a list. */
export const constant = {
  float: (value: number): TensorMessage => ({
    dtype: float32,
    tensor_shape: tensorShape([]),
    float_val: [value],
  }),
  /** 0 of any type: a tensor without listed values is filled with zeros. */
  zero: (type: number): TensorMessage => ({ dtype: type, tensor_shape: tensorShape([]) }),
  integer: (value: number): TensorMessage => ({
    dtype: int32,
    tensor_shape: tensorShape([]),
    int_val: [value],
  }),
  floats: (values: number[], shape = [values.length]): TensorMessage => ({
    dtype: float32,
    tensor_shape: tensorShape(shape),
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
