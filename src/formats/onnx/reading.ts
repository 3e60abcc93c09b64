import type { Tensor } from '../../tensors/tensors.ts';
import type { NetworkBuilder, Value } from '../network_builder.ts';
import type { Padding, Window } from '../windows.ts';
import type { NodeMessage } from './protos.ts';
import { readTensor } from './tensor.ts';

/** Whether a map's channels come before height and width, as ONNX's operators take them, or after. */
export type Layout = 'nchw' | 'nhwc';

/** What a name in the graph stands for. */
export type Item =
  | { kind: 'value'; value: Value; layout: Layout }
  | { kind: 'constant'; tensor: Tensor }
  /** A shape that the graph computes of its input's, as PyTorch does to flatten. */
  | { kind: 'shape' };

export type Operand = Extract<Item, { kind: 'value' }>;

/** A node with what it reads. */
export class Reading {
  readonly builder: NetworkBuilder;
  readonly node: NodeMessage;
  readonly inputs: (Item | undefined)[];
  /** The one node that reads this one's output, if it is one alone. */
  readonly next: NodeMessage | undefined;
  /** A constant by its name in the graph. */
  readonly constants: (name: string) => Tensor | undefined;

  constructor(
    builder: NetworkBuilder,
    node: NodeMessage,
    inputs: (Item | undefined)[],
    { next, constants }: Pick<Reading, 'next' | 'constants'>,
  ) {
    this.builder = builder;
    this.node = node;
    this.inputs = inputs;
    this.next = next;
    this.constants = constants;
  }

  get where(): string {
    return `the node ${this.node.name || this.node.output[0]} (${this.node.op_type})`;
  }

  fail(why: string): never {
    return this.builder.fail(this.where, why);
  }

  operand(index = 0): Operand {
    const item = this.inputs[index];
    return item?.kind === 'value'
      ? item
      : this.fail(`reads nothing of the pictures as its input ${index + 1}`);
  }

  /** A constant input; undefined where the node has none. */
  constant(index: number): Tensor | undefined {
    const item = this.inputs[index];
    if (item === undefined) return undefined;
    return item.kind === 'constant'
      ? item.tensor
      : this.fail(`has an input ${index + 1} that is no constant`);
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

  /** Refuses integers of other values. */
  expect(settings: Record<string, { value: number; allowed: number }>): void {
    for (const [name, { value, allowed }] of Object.entries(settings))
      if (value !== allowed) this.fail(`has ${name} ${value}; bat-sup has ${allowed} only`);
  }

  /** The input, whose channels have to come first. */
  channelsFirst(): Value {
    const { value, layout } = this.operand();
    if (value.shape.length === 3 && layout !== 'nchw') this.fail('reads maps whose channels come last');
    return value;
  }

  /** Strides and padding of a convolution or pooling, which may not be dilated. */
  window(): Omit<Window, 'kernel'> {
    const strides = this.ints('strides') ?? [1, 1];
    if (this.ints('dilations')?.some((dilation) => dilation !== 1)) this.fail('is dilated');
    return { strides, padding: this.#padding(strides) };
  }

  #padding(strides: number[]): Padding {
    const automatic = this.text('auto_pad') || 'NOTSET';
    if (automatic === 'SAME_UPPER') return 'same';
    if (automatic === 'VALID') return 'valid';
    if (automatic !== 'NOTSET') this.fail(`pads ${automatic}`);
    const pads = this.ints('pads') ?? [0, 0, 0, 0];
    if (pads.length !== 4) this.fail(`has ${pads.length} pads`);
    const [top, left, bottom, right] = pads as [number, number, number, number];
    // Rounding up is as if there were more behind.
    const [down, across] = this.int('ceil_mode', 0) === 0 ? [0, 0] : strides.map((stride) => stride - 1);
    return [top, left, bottom + (down ?? 0), right + (across ?? 0)];
  }

  /** Feature maps with their channels first, as most operators give them. */
  maps(value: Value): Operand {
    return { kind: 'value', value, layout: 'nchw' };
  }

  /** A value in the layout of the input. */
  like(value: Value): Operand {
    return { ...this.operand(), value };
  }

  /** One of the next node's inputs that is a constant. */
  constantOfNext(): Tensor | undefined {
    return this.next?.input.map(this.constants).find((tensor) => tensor !== undefined);
  }
}
