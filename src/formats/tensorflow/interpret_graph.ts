import { flatten } from '../../layers/flatten/layer.ts';
import { allFormats } from '../../layers/formats.ts';
import { globalAveragePool } from '../../layers/global_average_pool/layer.ts';
import type { Layer } from '../../layers/layer.ts';
import {
  type GraphNode,
  isRandom,
  type Match,
  type Meaning,
  type Operation,
  operationOf,
  type Unknown,
  unknownOf,
  variableOf,
} from './meanings.ts';
import type { AttrValue, NodeDef } from './messages.ts';
import { isData, nodeOf } from './node_names.ts';
import { otherOperations, passing } from './operations.ts';

interface Matcher {
  layer: Layer;
  match(node: GraphNode): Match | undefined;
}

/** The layers that an op can be the last node of. */
const matchers = new Map<string, Matcher[]>();
for (const { layer, tensorflow } of allFormats)
  for (const [op, match] of Object.entries(tensorflow.read))
    matchers.set(op, [...(matchers.get(op) ?? []), { layer, match }]);

function readLayer(node: GraphNode): Operation | undefined {
  for (const { layer, match } of matchers.get(node.op) ?? []) {
    const matched = match(node);
    if (!matched) continue;
    const isFlat =
      matched.isFlat ?? (layer.isElementwise === true && matched.inputs.every((input) => input.isFlat));
    const keepsLogits = layer === flatten || layer === globalAveragePool;
    const operation: Operation = { ...matched, kind: 'operation', node: node.name, isFlat, keepsLogits };
    // Pictures stay pictures where a Reshape leaves them as they are.
    const preprocessing = layer === flatten && !isFlat ? matched.inputs[0]?.preprocessing : undefined;
    return preprocessing ? { ...operation, preprocessing } : operation;
  }
  return undefined;
}

function meaningOf(node: GraphNode): Meaning | undefined {
  const { name, op, inputs } = node;
  const known = readLayer(node) ?? otherOperations.get(op)?.(node);
  if (known) return known;
  const unknown = inputs.find(unknownOf);
  if (unknown) return unknown.meaning;
  if (inputs.some(operationOf)) return { kind: 'unknown', node: name, op };
  return inputs.some(isRandom) ? { kind: 'random' } : undefined;
}

/** TensorFlow's scope of what tf.gradients adds, which reads the variables again. */
const gradients = /(^|\/)gradients(_\d+)?\//;
/** What changes variables, or saves them. */
const bookkeeping = /^(Resource|Sparse)*Apply|^Assign|^Save/;

/** What is unknown of a node's inputs although layers follow, since the node reads variables too. */
function hindranceAt({ name, op, inputs }: GraphNode): Unknown | undefined {
  if (gradients.test(name) || bookkeeping.test(op)) return undefined;
  const hasWeights = inputs.some((input) => (variableOf(input)?.shape.length ?? 0) > 0);
  return hasWeights ? unknownOf(inputs.find(unknownOf)) : undefined;
}

/** What was unknown on the way to a layer's last node is part of the layer. */
function resolve(last: GraphNode, hindrances: Map<GraphNode, Unknown>, resolved: Set<GraphNode>): void {
  const inside = [last];
  for (let node = inside.pop(); node; node = inside.pop()) {
    hindrances.delete(node);
    for (const input of node.inputs) {
      if (!input || !unknownOf(input) || resolved.has(input)) continue;
      resolved.add(input);
      inside.push(input);
    }
  }
}

export interface Interpretation {
  /** By the nodes' names. */
  meanings: { get(node: string): Meaning | undefined };
  /** In the order of the graph, in which each comes after what it reads. */
  operations: Operation[];
  /** The operations that no other one reads. */
  ends: Operation[];
  /** What bat-sup has no layer for, though layers follow. */
  hindrances: Unknown[];
}

/** What a graph computes. One pass in the order of its nodes: a Saver writes them as they were made. */
export function interpretGraph(graph: NodeDef[]): Interpretation {
  const nodes = new Map<string, GraphNode | undefined>();
  const operations = new Set<Operation>();
  const read = new Set<Meaning>();
  const hindrances = new Map<GraphNode, Unknown>();
  const resolved = new Set<GraphNode>();
  for (const { name, op, input, attr } of graph) {
    const node: GraphNode = {
      name,
      op,
      attributes: new Map(
        attr.flatMap(({ key, value }): [string, AttrValue][] => (value ? [[key, value]] : [])),
      ),
      inputs: input.filter(isData).map((one) => nodes.get(nodeOf(one))),
      meaning: undefined,
    };
    const isPassing = passing.get(op)?.(node);
    nodes.set(name, isPassing ? node.inputs[0] : node);
    if (isPassing) continue;
    node.meaning = meaningOf(node);
    const hindrance = hindranceAt(node);
    if (hindrance) hindrances.set(node, hindrance);
    const operation = operationOf(node);
    if (!operation) continue;
    operations.add(operation);
    // A layer of several nodes reads what is before the first of them.
    for (const input of operation.inputs) read.add(input);
    // A product with 1 means what it reads.
    for (const one of node.inputs) if (one?.meaning && one.meaning !== operation) read.add(one.meaning);
    if (operation.node === name && !operation.preprocessing) resolve(node, hindrances, resolved);
  }
  const all = [...operations];
  return {
    meanings: { get: (node) => nodes.get(node)?.meaning },
    operations: all,
    ends: all.filter((operation) => !read.has(operation)),
    hindrances: [...hindrances.values()],
  };
}
