import type { ActivationAttributes } from '../../engine/kernels/activation/operation.ts';
import { addActivation } from '../../layers/activation/formats.ts';
import { addAddition } from '../../layers/add/formats.ts';
import { addBatchNorm } from '../../layers/batch_norm/formats.ts';
import { addConv } from '../../layers/conv/formats.ts';
import { addFullyConnected } from '../../layers/fully_connected/formats.ts';
import { addGlobalAveragePool } from '../../layers/global_average_pool/formats.ts';
import { addMaxPool } from '../../layers/pool/formats.ts';
import { sizeOf } from '../../tensors/shape.ts';
import { type Tensor, toHwio, transpose } from '../../tensors/tensors.ts';
import { quoted } from '../../text/quoted.ts';
import type { NetworkBuilder, Value } from '../network_builder.ts';
import type { Padding } from '../windows.ts';
import type { StateDict, StateTensor } from './state_dict.ts';

interface ConvOptions {
  /** Height and width of the kernel, pixels; the tensor must have it. */
  kernel: number;
  stride: number;
  /** 'symmetric', the default: (kernel - 1) / 2 pixels on each side. 'same': TensorFlow's SAME. */
  padding?: 'symmetric' | 'same';
}

/** Counts of steps that batch normalisation and moving averages keep, which no answer depends on. */
const isCount = (name: string) => /(^|\.)(num_batches_tracked|n_averaged|initted|step)$/.test(name);

/** Names in a message: the first few, and how many there are. */
export function listed(names: string[]): string {
  const shown = names.slice(0, 4).map(quoted).join(', ');
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}

function symmetric(kernel: number): Padding {
  const pixels = (kernel - 1) / 2;
  return [pixels, pixels, pixels, pixels];
}

/** Layers whose tensors are those of modules in a state_dict, which are named as PyTorch names them. */
export class Modules {
  readonly #builder: NetworkBuilder;
  readonly #tensors: StateDict;
  /** Before each name in the file, e.g. 'model.'. */
  readonly #prefix: string;
  readonly #unread: Set<string>;
  /** Numbers that may still be read. */
  #left: number;

  /** @param maxNumbers in all tensors that are read; in PyTorch's files many can be views of the same few numbers. */
  constructor(builder: NetworkBuilder, tensors: StateDict, prefix: string, maxNumbers: number) {
    this.#builder = builder;
    this.#tensors = tensors;
    this.#prefix = prefix;
    this.#unread = new Set(tensors.keys());
    this.#left = maxNumbers;
  }

  has(name: string): boolean {
    return this.#tensors.has(this.#prefix + name);
  }

  /** Names without the prefix. */
  names(): string[] {
    return [...this.#tensors.keys()]
      .filter((name) => name.startsWith(this.#prefix))
      .map((name) => name.slice(this.#prefix.length));
  }

  /** A tensor's shape. @throws {UserError} where it is missing. */
  shapeOf(name: string): number[] {
    return this.#find(name).shape;
  }

  /** Names in the file of the tensors that no layer has read. */
  unread(): string[] {
    return [...this.#unread].filter((name) => !isCount(name));
  }

  fail(name: string, reason: string): never {
    return this.#builder.fail(quoted(this.#prefix + name), reason);
  }

  /** A convolution, over groups of channels where its kernel is for fewer channels than its input has. */
  conv(name: string, input: Value, { kernel, stride, padding = 'symmetric' }: ConvOptions): Value {
    const weight = `${name}.weight`;
    const shape = this.shapeOf(weight);
    const [, channels = 0, height, width] = shape;
    if (shape.length !== 4 || height !== kernel || width !== kernel)
      this.fail(weight, `has the shape [${shape}]; a kernel of ${kernel} x ${kernel} was expected`);
    const inputs = input.shape[2] as number;
    if (inputs % channels !== 0)
      this.fail(weight, `has kernels for ${channels} channels, but its input has ${inputs}`);
    const stored = this.#read(weight);
    const biases = this.has(`${name}.bias`) ? this.#read(`${name}.bias`) : undefined;
    const window = {
      strides: [stride, stride],
      padding: padding === 'same' ? padding : symmetric(kernel),
    };
    const parts = { kernel: toHwio(stored), biases, groups: inputs / channels, ...window };
    return addConv(this.#builder, input, parts, this.#prefix + name);
  }

  /** Batch normalisation. Its epsilon is not in the file. */
  norm(name: string, input: Value, epsilon: number): Value {
    const parts = {
      epsilon,
      scale: this.#vector(`${name}.weight`, input),
      offset: this.#vector(`${name}.bias`, input),
      mean: this.#vector(`${name}.running_mean`, input),
      variance: this.#vector(`${name}.running_var`, input),
    };
    return addBatchNorm(this.#builder, input, parts, this.#prefix + name);
  }

  activation(input: Value, name: 'relu' | 'relu6'): Value {
    const attributes: ActivationAttributes = { function: name };
    return addActivation(this.#builder, input, attributes, name);
  }

  add(one: Value, other: Value): Value {
    return addAddition(this.#builder, one, other, 'a sum');
  }

  maxPool(input: Value, { kernel, stride }: { kernel: number; stride: number }): Value {
    const window = { kernel: [kernel, kernel], strides: [stride, stride], padding: symmetric(kernel) };
    return addMaxPool(this.#builder, input, window, 'a max-pooling');
  }

  globalAveragePool(input: Value): Value {
    return addGlobalAveragePool(this.#builder, input, false, 'an average');
  }

  /**
   * The fully connected layer of a head: the module `name` itself, or the only one with weights of an nn.Sequential, whose
   * other modules then change no answer: dropout, ReLU of averages of what is positive, or a softmax at the end.
   */
  classifier(name: string, input: Value): Value {
    const inside = this.names().filter((one) => one.startsWith(`${name}.`) && one.endsWith('.weight'));
    const [weight = `${name}.weight`, ...more] = inside;
    if (inside.length === 0 || more.length > 0)
      this.fail(
        weight,
        inside.length === 0
          ? `is missing, and nothing reads ${listed(this.unread()) || 'another tensor'}`
          : `is not the only layer of the head, which has ${listed(more)} too; export the network as ONNX`,
      );
    const shape = this.shapeOf(weight);
    if (shape.length !== 2) this.fail(weight, `has the shape [${shape}]; two axes were expected`);
    const bias = weight.replace(/weight$/, 'bias');
    const tensors = {
      weights: transpose(this.#read(weight)),
      biases: this.has(bias) ? this.#read(bias) : undefined,
    };
    return addFullyConnected(this.#builder, input, tensors, this.#prefix + name);
  }

  #find(name: string): StateTensor {
    return this.#tensors.get(this.#prefix + name) ?? this.fail(name, 'is missing');
  }

  #read(name: string): Tensor {
    this.#unread.delete(this.#prefix + name);
    const tensor = this.#find(name);
    this.#left -= sizeOf(tensor.shape);
    if (!(this.#left >= 0))
      this.fail(name, `has the shape [${tensor.shape}]; with it the tensors have more numbers than the file`);
    return tensor.read();
  }

  #vector(name: string, input: Value): Tensor {
    const shape = this.shapeOf(name);
    const channels = input.shape.at(-1);
    if (shape.length !== 1 || shape[0] !== channels)
      this.fail(name, `has the shape [${shape}]; [${channels}] was expected`);
    return this.#read(name);
  }
}
