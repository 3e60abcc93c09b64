import type { ImportHints, Network } from '../format.ts';
import { networkOfGraph } from '../tensorflow/graph_network.ts';
import { type AttrValue, dataTypes, type NodeDef, type TensorShape } from '../tensorflow/messages.ts';
import { isData, nodeOf } from '../tensorflow/node_names.ts';
import type { Stored } from './weights.ts';

/** A graph of TensorFlow 2 has some thousands. */
const maxNodes = 200_000;

type Json = Record<string, unknown>;
type Fail = (why: string) => never;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** TensorFlow's names of data types in JSON, as in DataType of types.proto. */
const typeNames: Record<string, number> = {
  DT_FLOAT: dataTypes.float32,
  DT_INT32: dataTypes.int32,
  DT_UINT8: dataTypes.uint8,
  DT_INT8: dataTypes.int8,
  DT_STRING: dataTypes.string,
  DT_INT64: dataTypes.int64,
  DT_BOOL: dataTypes.bool,
  DT_HALF: dataTypes.float16,
};

const typeOf = (value: unknown): number =>
  typeof value === 'number' ? value : (typeNames[String(value)] ?? 0);

function shapeOf(value: unknown): TensorShape {
  const dim = isObject(value) ? listOf(value.dim) : [];
  return { dim: dim.map((one) => ({ size: isObject(one) ? Number(one.size ?? 0) : Number.NaN })) };
}

const bytesOfText = (value: unknown) => Buffer.from(String(value), 'base64');

/** A node's attribute; in protobuf's JSON bytes are base64, and 64-bit integers are texts. */
function attributeOf(value: Json): AttrValue {
  const { list } = value;
  return {
    ...('s' in value && { s: bytesOfText(value.s) }),
    ...('i' in value && { i: Number(value.i) }),
    ...('f' in value && { f: Number(value.f) }),
    ...('b' in value && { b: value.b === true }),
    ...('type' in value && { type: typeOf(value.type) }),
    ...('shape' in value && { shape: shapeOf(value.shape) }),
    ...(isObject(list) && {
      list: {
        s: listOf(list.s).map(bytesOfText),
        i: listOf(list.i).map(Number),
        type: listOf(list.type).map(typeOf),
        shape: listOf(list.shape).map(shapeOf),
      },
    }),
  };
}

/** A constant's values lie in the files of weights. */
function constantOf({ shape, values }: Stored): AttrValue {
  const types = { Float32Array: dataTypes.float32, Int32Array: dataTypes.int32, Uint8Array: dataTypes.bool };
  const dtype = types[values.constructor.name as keyof typeof types];
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const tensor_shape = { dim: shape.map((size) => ({ size })) };
  return { tensor: { dtype, tensor_shape, tensor_content: bytes } };
}

function nodeOfJson(node: unknown, weights: Map<string, Stored>, fail: Fail): NodeDef {
  if (!isObject(node) || typeof node.name !== 'string' || typeof node.op !== 'string')
    fail('its topology has a node without a name or an op');
  const attributes = isObject(node.attr) ? Object.entries(node.attr) : [];
  const attr = attributes.flatMap(([key, value]) =>
    isObject(value) ? [{ key, value: attributeOf(value) as AttrValue | null }] : [],
  );
  const { name, op } = node as { name: string; op: string };
  const stored = op === 'Const' ? weights.get(name) : undefined;
  const others = attr.filter(({ key }) => key !== 'value');
  return {
    name,
    op,
    input: listOf(node.input).map(String),
    attr: stored ? [...others, { key: 'value', value: constantOf(stored) }] : attr,
  };
}

/** Operations that TensorFlow fused with those that follow, by what they do first. */
const fused: Record<string, string> = {
  _FusedConv2D: 'Conv2D',
  FusedDepthwiseConv2dNative: 'DepthwiseConv2dNative',
  _FusedMatMul: 'MatMul',
};

/** The operations that a fused one stands for, one after the other; the last has its name. */
function unfused(node: NodeDef): NodeDef[] {
  const first = Object.hasOwn(fused, node.op) ? fused[node.op] : undefined;
  if (first === undefined) return [node];
  const attributeNamed = (key: string) => node.attr.find((one) => one.key === key)?.value;
  const ops = (attributeNamed('fused_ops')?.list?.s ?? []).map((text) => Buffer.from(text).toString());
  const [input = '', kernel = '', ...others] = node.input.filter(isData);
  const nodes: NodeDef[] = [{ ...node, op: first, input: [input, kernel] }];
  for (const op of ops) {
    const before = nodes.at(-1) as NodeDef;
    // Biases take an input of their own, and so does anything else that is not known here.
    const own = op.startsWith('Relu') || op === 'LeakyRelu' || op === 'Sigmoid' ? [] : others.splice(0, 1);
    const alpha = { key: 'alpha', value: attributeNamed('leakyrelu_alpha') ?? null };
    nodes.push({
      name: node.name,
      op,
      input: [before.name, ...own],
      attr: op === 'LeakyRelu' ? [alpha] : [],
    });
  }
  return nodes.map((one, index) => {
    const nameOf = (position: number) =>
      position < nodes.length - 1 ? `${node.name}/fused${position}` : node.name;
    const inputs = index === 0 ? one.input : [nameOf(index - 1), ...one.input.slice(1)];
    return { ...one, name: nameOf(index), input: inputs };
  });
}

/** Nodes in an order in which each comes after what it reads, which the file does not keep. */
function sorted(nodes: NodeDef[]): NodeDef[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const state = new Map<NodeDef, 'open' | 'done'>();
  const result: NodeDef[] = [];
  for (const start of nodes) {
    const ahead = [start];
    for (let node = ahead.at(-1); node; node = ahead.at(-1)) {
      if (state.get(node) === undefined) {
        state.set(node, 'open');
        const inputs = node.input.flatMap((input) => byName.get(nodeOf(input).split(':')[0] as string) ?? []);
        // The first input is visited first, so that it is put on last.
        ahead.push(...inputs.filter((input) => state.get(input) === undefined).reverse());
      } else {
        ahead.pop();
        if (state.get(node) === 'open') result.push(node);
        state.set(node, 'done');
      }
    }
  }
  return result;
}

/** The nodes of a graph-model's topology. */
export function nodesOf(topology: Json, weights: Map<string, Stored>, fail: Fail): NodeDef[] {
  const listed = listOf(topology.node);
  if (listed.length > maxNodes) fail(`it has more than ${maxNodes} nodes`);
  const nodes = listed.map((node) => nodeOfJson(node, weights, fail));
  return sorted(nodes.flatMap(unfused));
}

/**
 * The network of a graph-model: a graph of TensorFlow for inference, with its weights beside it.
 * @throws {UserError} where it is damaged, or has operations that bat-sup has no layer for.
 */
export function networkOfGraphModel(
  topology: Json,
  weights: Map<string, Stored>,
  { file, fail, hints }: { file: string; fail: Fail; hints: ImportHints },
): Promise<Network> {
  const graph = { node: nodesOf(topology, weights, fail) };
  return networkOfGraph({ graph, file, order: 'rgb', hints });
}
