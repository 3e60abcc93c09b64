import type { NodeDef } from './messages.ts';
import { isData, nodeOf } from './node_names.ts';

/** Where an input comes from, behind nodes that only pass it on. */
function origin(input: string, nodes: Map<string, NodeDef>): string {
  let name = nodeOf(input);
  // A hostile graph may be cyclic.
  for (let hops = 0; hops < 100; hops++) {
    const node = nodes.get(name);
    const [before] = node?.op === 'Identity' ? node.input.filter(isData) : [];
    if (before === undefined) break;
    name = nodeOf(before);
  }
  return name;
}

/** A node's input by its index. */
const inputOf = (node: NodeDef | undefined, index: number) => node?.input.filter(isData)[index] ?? '';

function textsOf(node: NodeDef | undefined): string[] {
  const tensor = node?.attr.find(({ key }) => key === 'value')?.value?.tensor;
  return (tensor?.string_val ?? []).map((text) => Buffer.from(text).toString());
}

/**
 * Under which keys a bundle holds a graph's variables, by the variables' nodes: what the graph's Saver restores and
 * assigns to them. TensorFlow 1's are the variables' own names unless a Saver was given others; TensorFlow 2's are paths
 * through Python's objects. tf.saved_model.save stores copies of the variables of Keras 3, which begin as what they copy.
 */
export function saverKeys(all: NodeDef[]): Map<string, string> {
  const nodes = new Map(all.map((node) => [node.name, node]));
  const keys = new Map<string, string>();
  const copies = new Map<string, string>();
  for (const node of all) {
    if (node.op !== 'Assign' && node.op !== 'AssignVariableOp') continue;
    const copied = nodes.get(origin(inputOf(node, 1), nodes));
    if (copied?.op === 'ReadVariableOp')
      copies.set(origin(inputOf(node, 0), nodes), origin(inputOf(copied, 0), nodes));
    const [, restoring = '', output = '0'] = /^(.*?)(?::(\d+))?$/.exec(origin(inputOf(node, 1), nodes)) ?? [];
    const restore = nodes.get(restoring);
    if (restore?.op !== 'RestoreV2') continue;
    const key = textsOf(nodes.get(nodeOf(inputOf(restore, 1))))[Number(output)];
    const variable = origin(inputOf(node, 0), nodes);
    if (key !== undefined && !keys.has(variable)) keys.set(variable, key);
  }
  for (const [copy, original] of copies) {
    const key = keys.get(copy);
    if (key !== undefined && !keys.has(original)) keys.set(original, key);
  }
  return keys;
}
