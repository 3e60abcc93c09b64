import { samePadding } from '../../layers/window.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import type { NetworkBuilder, Value } from '../network_builder.ts';
import type { Padding, Window } from '../windows.ts';
import type { NodeMessage } from './protos.ts';
import { readTensor } from './tensor.ts';

type SamePadding = ReturnType<typeof samePadding>;

/** Whether a map's channels come before height and width, as ONNX's operators expect, or after. */
export type Layout = 'nchw' | 'nhwc';

/** What depends on the pixels. */
export interface Operand {
  kind: 'value';
  value: Value;
  layout: Layout;
}

/** What depends on no pixel. */
export interface Known {
  /** 'shape': numbers that the graph computes from the number of pictures; those that depend on it are NaN. */
  kind: 'constant' | 'shape';
  tensor: Tensor;
  /** One of dataTypes; undefined: float32. */
  type?: number;
}

/** Some colours of the pictures, each scaled and shifted. */
export interface Colours {
  kind: 'colours';
  of: Value;
  layout: Layout;
  colours: { index: number; factor: number; offset: number }[];
}

/** The value of a name in the graph. */
export type Item = Operand | Known | Colours;

/** What is the same for all nodes of a graph. */
export interface GraphReading {
  /** A constant by its name in the graph. */
  constants: (name: string) => Tensor | undefined;
  /** The number of pictures; NaN: any. */
  batch: number;
  /** How many numbers may still be computed from constants. */
  budget: { left: number };
}

/** A shape for messages. */
export const shapeText = (shape: number[]) =>
  `[${shape.map((length) => (Number.isNaN(length) ? 'batch' : length))}]`;

/** The node that is being read, with its inputs. */
export class Reading {
  readonly builder: NetworkBuilder;
  readonly node: NodeMessage;
  readonly inputs: (Item | undefined)[];
  /** The node that reads this node's output, if there is exactly one. */
  readonly next: NodeMessage | undefined;
  readonly constants: GraphReading['constants'];
  readonly #graph: GraphReading;

  constructor(
    builder: NetworkBuilder,
    node: NodeMessage,
    inputs: (Item | undefined)[],
    { next, graph }: { next: NodeMessage | undefined; graph: GraphReading },
  ) {
    this.builder = builder;
    this.node = node;
    this.inputs = inputs;
    this.next = next;
    this.constants = graph.constants;
    this.#graph = graph;
  }

  get where(): string {
    return `the node ${this.node.name || this.node.output[0]} (${this.node.op_type})`;
  }

  fail(why: string): never {
    return this.builder.fail(this.where, why);
  }

  operand(index = 0): Operand {
    const item = this.inputs[index];
    if (item?.kind === 'colours')
      this.fail(
        'reads single colours of the pictures; bat-sup can only scale them and put them together again',
      );
    return item?.kind === 'value'
      ? item
      : this.fail(`has an input ${index + 1} that does not depend on the pictures`);
  }

  /** A constant input; undefined where the node has none. */
  constant(index: number): Tensor | undefined {
    const item = this.inputs[index];
    if (item === undefined) return undefined;
    return item.kind === 'constant'
      ? item.tensor
      : this.fail(`has an input ${index + 1} that is not a constant`);
  }

  /** An input that depends on no pixel; undefined where the node has none. */
  known(index: number): Known | undefined {
    const item = this.inputs[index];
    if (item?.kind === 'value' || item?.kind === 'colours')
      return this.fail(`has an input ${index + 1} that is not a constant`);
    return item;
  }

  /** The shape of the first input as the file counts it, with the number of pictures. */
  dimensions(): number[] {
    const { value, layout } = this.operand();
    const shape = value.asMaps ? [1, 1, ...value.shape] : value.shape;
    const [height, width, channels] = shape as [number, number, number];
    if (shape.length === 1 || layout === 'nhwc') return [this.#graph.batch, ...shape];
    return [this.#graph.batch, channels, height, width];
  }

  /** @throws {UserError} where a small file would make its reader compute without end, or fill the memory. */
  spend(numbers: number): void {
    this.#graph.budget.left -= numbers;
    if (!(this.#graph.budget.left >= 0)) this.fail('computes more constants than a network of its size has');
  }

  required(index: number): Tensor {
    return this.constant(index) ?? this.fail(`has no input ${index + 1}`);
  }

  #attribute(name: string) {
    return this.node.attribute.find((attribute) => attribute.name === name);
  }

  int(name: string, otherwise: number): number {
    return this.#attribute(name)?.i ?? otherwise;
  }

  float(name: string, otherwise: number): number {
    return this.#attribute(name)?.f ?? otherwise;
  }

  ints(name: string): number[] | undefined {
    return this.#attribute(name)?.ints;
  }

  tensor(name: string): Tensor | undefined {
    const message = this.#attribute(name)?.t;
    return message ? readTensor(message, (why) => this.fail(why)) : undefined;
  }

  text(name: string): string | undefined {
    const bytes = this.#attribute(name)?.s;
    return bytes && Buffer.from(bytes).toString('latin1');
  }

  /** Refuses settings whose values are not the allowed ones. */
  expect(settings: Record<string, { value: number; allowed: number }>): void {
    for (const [name, { value, allowed }] of Object.entries(settings))
      if (value !== allowed) this.fail(`has ${name} ${value}; bat-sup supports only ${allowed}`);
  }

  /** The input, whose channels must come first. */
  channelsFirst(): Value {
    const { value, layout } = this.operand();
    if (value.shape.length === 3 && layout !== 'nchw')
      this.fail('reads maps whose channels come last; ONNX expects them first');
    return value;
  }

  /** Strides and padding of a convolution or pooling, which may not be dilated. */
  window(): Omit<Window, 'kernel'> {
    const strides = this.ints('strides') ?? [1, 1];
    if (this.ints('dilations')?.some((dilation) => dilation !== 1))
      this.fail('has dilations, which bat-sup does not support');
    return { strides, padding: this.#padding(strides) };
  }

  #padding(strides: number[]): Padding {
    const automatic = this.text('auto_pad') || 'NOTSET';
    if (automatic === 'SAME_UPPER') return 'same';
    if (automatic === 'VALID') return 'valid';
    if (automatic === 'SAME_LOWER') return this.#sameLower(strides);
    if (automatic !== 'NOTSET') this.fail(`has auto_pad ${automatic}, which bat-sup does not support`);
    const pads = this.ints('pads') ?? [0, 0, 0, 0];
    if (pads.length !== 4) this.fail(`has ${pads.length} pads`);
    const [top, left, bottom, right] = pads as [number, number, number, number];
    const [down, across] = [this.#roundingUp(0, strides, pads), this.#roundingUp(1, strides, pads)];
    return [top, left, bottom + down, right + across];
  }

  /** SAME whose odd pixel comes first. */
  #sameLower(strides: number[]): Padding {
    const kernel = this.ints('kernel_shape') ?? this.required(1).shape.slice(2);
    const { shape } = this.channelsFirst();
    const [down, across] = [0, 1].map((axis) =>
      samePadding(shape[axis] as number, {
        kernel: kernel[axis] as number,
        stride: strides[axis] as number,
      }),
    ) as [SamePadding, SamePadding];
    return [down.after, across.after, down.before, across.before];
  }

  /** The padding at the end that makes as many windows as ceil_mode does: none that starts there is counted. */
  #roundingUp(axis: number, strides: number[], pads: number[]): number {
    if (this.int('ceil_mode', 0) === 0) return 0;
    const [stride, before, after] = [strides[axis], pads[axis], pads[axis + 2]] as [number, number, number];
    const length = before + (this.operand().value.shape[axis] as number);
    const rest = length + after - (this.ints('kernel_shape')?.[axis] ?? 1);
    const next = (Math.floor(rest / stride) + 1) * stride;
    return rest % stride === 0 || next >= length ? 0 : next - rest;
  }

  /** Feature maps with their channels first, the output of most operators. */
  maps(value: Value): Operand {
    return { kind: 'value', value, layout: 'nchw' };
  }

  /** A value in the layout of the input. */
  like(value: Value): Operand {
    return { ...this.operand(), value };
  }

  /** The first constant among the next node's inputs. */
  constantOfNext(): Tensor | undefined {
    return this.next?.input.map(this.constants).find((tensor) => tensor !== undefined);
  }
}
