import type { NetworkBuilder } from '../network_builder.ts';

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** What a layer is called with: the output of a layer, or a number, a list and the like. */
export type Operand = { layer: string } | { value: unknown };

/** The call of a layer, as Keras writes it into inbound_nodes. */
export interface Call {
  operands: Operand[];
}

/** The layers that an argument refers to: Keras 3 writes tensors with a history, possibly in nested lists. */
function* historiesIn(argument: unknown): Generator<Operand> {
  if (Array.isArray(argument)) for (const one of argument) yield* historiesIn(one);
  else if (isObject(argument) && argument.class_name === '__keras_tensor__')
    yield { layer: String((argument.config as { keras_history?: unknown[] })?.keras_history?.[0]) };
}

/** An argument of Keras 3. */
function operandsOf(argument: unknown): Operand[] {
  const layers = [...historiesIn(argument)];
  return layers.length > 0 ? layers : [{ value: argument }];
}

/** [layer, node, output], as Keras 2 refers to a layer's output. */
const isReference = (value: unknown): value is [string, number, number] =>
  Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'number';

const constant = '_CONSTANT_VALUE';

/** A reference of Keras 2 with its keyword arguments; those of operations come without a list around them. */
function operandsOfKeras2(reference: unknown[]): Operand[] {
  const [layer, , value, keywords] = reference;
  const first = layer === constant ? { value } : { layer: String(layer) };
  const others = isObject(keywords) ? [keywords.y, keywords.bias, keywords.slice_spec] : [];
  const given = others.filter((one) => one !== undefined && one !== null);
  return [first, ...given.map((one) => (isReference(one) ? { layer: one[0] } : { value: one }))];
}

/**
 * What a layer of a functional model is called with. Keras 3 writes [{ args, kwargs }], earlier versions
 * [[['conv1', 0, 0, {}]]], and for operations like a sum [['conv1', 0, 0, { y: 3 }]].
 */
export function callOf(nodes: unknown, name: string, builder: NetworkBuilder): Call {
  if (!Array.isArray(nodes) || nodes.length === 0) return { operands: [] };
  if (nodes.length > 1) builder.fail(name, 'is used more than once; bat-sup can use each layer only once');
  const [node] = nodes;
  if (isObject(node) && Array.isArray(node.args)) return { operands: node.args.flatMap(operandsOf) };
  if (!Array.isArray(node)) return { operands: [] };
  if (typeof node[0] === 'string' && isReference(node)) return { operands: operandsOfKeras2(node) };
  return {
    operands: node.flatMap((one) => (Array.isArray(one) ? operandsOfKeras2(one) : { layer: String(one) })),
  };
}
