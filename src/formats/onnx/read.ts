import { UserError } from '../../errors.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import { quoted } from '../../text/quoted.ts';
import type { ImportHints, Network } from '../format.ts';
import { metadataKey, readMetadata } from '../metadata.ts';
import { NetworkBuilder } from '../network_builder.ts';
import { readClassNames } from './class_names.ts';
import { withExternalData } from './external_data.ts';
import { readNode } from './operators.ts';
import {
  dataTypes,
  type ModelMessage,
  models,
  type NodeMessage,
  type TensorMessage,
  type ValueInfoMessage,
} from './protos.ts';
import { type GraphReading, type Item, type Known, type Operand, Reading } from './reading.ts';
import { readTensor } from './tensor.ts';

type Graph = NonNullable<ModelMessage['graph']>;

function decode(data: Uint8Array, source: string): { graph: Graph; message: ModelMessage } {
  try {
    const message = models.decode(data);
    if (message.graph && message.graph.node.length > 0) return { graph: message.graph, message };
  } catch {
    // Reported below.
  }
  throw new UserError(`${source} is not an ONNX model, or is damaged; export it again.`);
}

const isChannels = (length: number | undefined) => length === 1 || length === 3;

interface Input {
  name: string;
  /** Type of its elements, one of dataTypes. */
  type: number | undefined;
  operand: Operand;
  /** NaN: any number of pictures. */
  batch: number;
}

/** Integers must be unscaled pixels, 0..255; floats may be scaled. */
const pixelTypes: (number | undefined)[] = [
  dataTypes.uint8,
  dataTypes.int8,
  dataTypes.int32,
  dataTypes.int64,
];

/** The one input that is not a constant: pictures [batch, channels, height, width] or [batch, height, width, channels]. */
function readInput(builder: NetworkBuilder, graph: Graph): Input {
  const constants = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !constants.has(name));
  const [input] = inputs as [ValueInfoMessage];
  if (inputs.length !== 1)
    builder.fail('the graph', `has ${inputs.length} inputs; a picture classifier has one`);
  const where = `its input ${input.name}`;
  const { elem_type: type, shape } = input.type?.tensor_type ?? {};
  const dims = shape?.dim.map(({ dim_value: length }) => length || undefined) ?? [];
  if (dims.length !== 4) builder.fail(where, `has ${dims.length} dimensions; pictures have four`);
  const [batch = Number.NaN, second, third, fourth] = dims;
  if (isChannels(second)) {
    const value = builder.pictures(where, [third, fourth, second]);
    return { name: input.name, type, operand: { kind: 'value', value, layout: 'nchw' }, batch };
  }
  if (!isChannels(fourth))
    builder.fail(where, `has the shape [${dims.join()}]; pictures have 1 or 3 channels`);
  const value = builder.pictures(where, [second, third, fourth]);
  return { name: input.name, type, operand: { kind: 'value', value, layout: 'nhwc' }, batch };
}

/** Decodes constants only when they are used: a hostile file may hold many that are not. */
function constantReader(
  builder: NetworkBuilder,
  messages: TensorMessage[],
): (name: string) => Known | undefined {
  const byName = new Map(messages.map((message) => [message.name, message]));
  return (name) => {
    const message = byName.get(name);
    if (!message) return undefined;
    const tensor = readTensor(message, (why) => builder.fail(`the tensor ${name}`, why));
    return { kind: 'constant', tensor, type: message.data_type };
  };
}

/** The nodes that read each name; at most two are kept. */
function readersOf(nodes: NodeMessage[]): Map<string, NodeMessage[]> {
  const readers = new Map<string, NodeMessage[]>();
  for (const node of nodes)
    for (const name of node.input) readers.set(name, [...(readers.get(name) ?? []), node].slice(0, 2));
  return readers;
}

/** The name of the logits: the only output, or in bat-sup's own models, which also output probabilities, 'logits'. */
function logitsOf(builder: NetworkBuilder, { output }: Graph): string {
  const logits = output.length > 1 ? output.find(({ name }) => name === 'logits') : output[0];
  return (
    logits?.name ?? builder.fail('the graph', `has ${output.length} outputs; a picture classifier has one`)
  );
}

/** The nodes that an output depends on, in the file's order; the others are not read. */
function neededNodes(nodes: NodeMessage[], output: string): NodeMessage[] {
  const names = new Set([output]);
  const needed = [...nodes].reverse().filter((node) => {
    const isNeeded = node.output.some((name) => names.has(name));
    if (isNeeded) for (const name of node.input) names.add(name);
    return isNeeded;
  });
  return needed.reverse();
}

/** Largest constant that several nodes may share: exporters merge equal ones, e.g. those of batch normalisations. */
const maxShared = 4096;

/** Whether a node wants to know no more of an input than its shape or type. */
const readsShapeOnly = ({ op_type: operator }: NodeMessage, index: number) =>
  operator === 'Shape' || (operator === 'CastLike' && index === 1);

/** How many numbers may be computed from constants: each weight a few times, and some more. */
function budgetFor(data: Uint8Array, constants: TensorMessage[]): { left: number } {
  const bytes = constants.reduce((sum, { raw_data: raw }) => sum + (raw?.length ?? 0), data.length);
  return { left: 2 ** 24 + 2 * bytes };
}

/** The values of the graph's names, as far as it has been read. */
class Items {
  readonly #known = new Map<string, Item>();
  readonly #builder: NetworkBuilder;
  readonly #initializer: (name: string) => Known | undefined;
  /** Large constants that a node has read. Each may be read once, so that a small file cannot fill the memory. */
  readonly #taken = new Set<string>();

  constructor(builder: NetworkBuilder, messages: TensorMessage[]) {
    this.#builder = builder;
    this.#initializer = constantReader(builder, messages);
  }

  set(name: string, item: Item): void {
    this.#known.set(name, item);
  }

  get(name: string): Item | undefined {
    return this.#known.get(name) ?? this.#initializer(name);
  }

  constant(name: string): Tensor | undefined {
    const item = this.get(name);
    return item?.kind === 'constant' ? item.tensor : undefined;
  }

  /** A node's inputs; undefined for an optional input that it leaves out. */
  inputsOf(node: NodeMessage): (Item | undefined)[] {
    const where = `the node ${node.name || node.output[0]}`;
    return node.input.map((name, index) => {
      if (name === '') return undefined;
      if (this.#taken.has(name))
        this.#builder.fail(
          where,
          `shares ${quoted(name)} with another node; bat-sup's layers cannot share weights`,
        );
      const item =
        this.get(name) ??
        this.#builder.fail(where, `reads ${quoted(name)}, which is not an output of any node before it`);
      const isUsed = !readsShapeOnly(node, index);
      if (isUsed && item.kind === 'constant' && item.tensor.values.length > maxShared) {
        this.#taken.add(name);
        this.#known.delete(name);
      }
      return item;
    });
  }
}

function readNodes(
  builder: NetworkBuilder,
  nodes: NodeMessage[],
  items: Items,
  options: Omit<GraphReading, 'constants'>,
): void {
  const readers = readersOf(nodes);
  const graph = { ...options, constants: (name: string) => items.constant(name) };
  const done = new Set<NodeMessage>();
  for (const node of nodes) {
    if (done.has(node)) continue;
    const output = node.output[0] as string;
    const [reader, another] = readers.get(output) ?? [];
    const next = another ? undefined : reader;
    const { item, takesNext } = readNode(new Reading(builder, node, items.inputsOf(node), { next, graph }));
    items.set(output, item);
    if (next && takesNext) {
      items.set(next.output[0] as string, item);
      done.add(next);
    }
  }
}

/**
 * Reads an ONNX model, and the files beside it that hold its weights.
 * @throws {UserError} where it is damaged, or has operators that bat-sup lacks.
 */
export async function readOnnx(data: Uint8Array, source: string, hints: ImportHints): Promise<Network> {
  const { graph, message } = decode(data, source);
  const builder = new NetworkBuilder(source, hints);
  const { name, type, operand: input, batch } = readInput(builder, graph);
  const logits = logitsOf(builder, graph);
  const constants = await withExternalData(graph.initializer, source);
  const items = new Items(builder, constants);
  items.set(name, input);
  readNodes(builder, neededNodes(graph.node, logits), items, { batch, budget: budgetFor(data, constants) });
  const end = items.get(logits);
  if (end?.kind !== 'value')
    return builder.fail('the graph', `does not compute ${quoted(logits)} from the pictures`);
  const properties = new Map(message.metadata_props.map(({ key, value }) => [key, value]));
  const metadata = readMetadata(properties.get(metadataKey), source);
  const network = builder.finish(
    input.value,
    end.value,
    metadata,
    pixelTypes.includes(type) ? { scale: 1, isKnown: true } : {},
  );
  const names = metadata ? undefined : readClassNames(properties.get('names'));
  if (names?.length !== network.model.classes.length) return network;
  return { ...network, model: { ...network.model, classes: names } };
}
