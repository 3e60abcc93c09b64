import { attribute } from './attributes.ts';
import type { NodeOptions } from './layer_format.ts';
import { type AttrValue, dataTypes, type NodeDef, type TensorMessage } from './messages.ts';

/** Nodes under construction. Each is given by its name, as TensorFlow 1 makes it: 'Conv2D', 'Conv2D_1' ... */
export class Graph {
  readonly nodes: NodeDef[] = [];
  readonly #uses = new Map<string, number>();
  readonly #withShapes: boolean;

  /** @param withShapes whether nodes hold their outputs' shapes, which TensorBoard shows and TensorFlow infers. */
  constructor({ withShapes = false } = {}) {
    this.#withShapes = withShapes;
  }

  /** @param inputs names of nodes, or of their outputs ('RestoreV2:1'), or '^name' for what is to run before. */
  add(op: string, inputs: string[], { name = op, ...options }: NodeOptions = {}): string {
    return this.#push(op, inputs, this.#unique(name), options);
  }

  #unique(name: string): string {
    const before = this.#uses.get(name) ?? 0;
    this.#uses.set(name, before + 1);
    return before === 0 ? name : `${name}_${before}`;
  }

  #push(op: string, input: string[], name: string, { attributes, shape }: Omit<NodeOptions, 'name'>): string {
    const shown = this.#withShapes && shape && { _output_shapes: attribute.shapes([shape]) };
    const all: Record<string, AttrValue> = { ...attributes, ...shown };
    this.nodes.push({ name, op, input, attr: Object.entries(all).map(([key, value]) => ({ key, value })) });
    return name;
  }

  /** An operation on float32. */
  float(op: string, inputs: string[], { attributes, ...options }: NodeOptions = {}): string {
    return this.add(op, inputs, {
      ...options,
      attributes: { T: attribute.type(dataTypes.float32), ...attributes },
    });
  }

  /** Numbers of one type as another. */
  cast(input: string, from: number, to: number, name = 'Cast'): string {
    const attributes = { SrcT: attribute.type(from), DstT: attribute.type(to) };
    return this.add('Cast', [input], { name, attributes });
  }

  constant(name: string, tensor: TensorMessage): string {
    const shape = (tensor.tensor_shape?.dim ?? []).map(({ size }) => size);
    const attributes = { dtype: attribute.type(tensor.dtype), value: { tensor } };
    return this.add('Const', [], { name, attributes, shape });
  }

  placeholder(name: string, type: number, shape: number[]): string {
    const attributes = { dtype: attribute.type(type), shape: attribute.shape(shape) };
    return this.add('Placeholder', [], { name, attributes, shape });
  }

  /** A variable: 'Variable', 'Variable_1' ... TensorFlow 2 distinguishes them by their shared names alone. */
  variable(type: number, shape: number[], wanted = 'Variable'): string {
    const name = this.#unique(wanted);
    const attributes = {
      dtype: attribute.type(type),
      shape: attribute.shape(shape),
      shared_name: attribute.text(name),
    };
    return this.#push('VarHandleOp', [], name, { attributes });
  }
}
