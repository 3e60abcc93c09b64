import type { FunctionDef, GraphDef, NodeDef } from './messages.ts';
import { isData, nodeOf } from './node_names.ts';

const calls = ['PartitionedCall', 'StatefulPartitionedCall'];

/** A graph of TensorFlow 2 has some thousands; a function that calls another one twice doubles its nodes. */
const maxNodes = 200_000;
const maxDepth = 50;

/** Operations whose further outputs have names of their own, by the name of the first. */
const firstOutputs = new Map(
  ['FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3'].map((op) => [op, 'y']),
);

/**
 * A graph without function calls: the functions' nodes replace the calls, named <call>/<node>, and Identity nodes stand
 * for their arguments and results.
 * @throws {Error} where functions call each other endlessly.
 */
export function inlineFunctions({ node: nodes, library }: GraphDef): NodeDef[] {
  const named = (library?.function ?? []).filter(({ signature }) => signature);
  const functions = new Map(named.map((one) => [one.signature.name, one]));
  const inlined: NodeDef[] = [];

  function push(node: NodeDef): void {
    if (inlined.length >= maxNodes) throw new Error(`it has more than ${maxNodes} nodes`);
    inlined.push(node);
  }
  const pass = (name: string, input: string) => push({ name, op: 'Identity', input: [input], attr: [] });

  function add(node: NodeDef, depth: number): void {
    const name = node.attr.find(({ key }) => key === 'f')?.value?.func?.name;
    const body = calls.includes(node.op) && name !== undefined ? functions.get(name) : undefined;
    if (depth > maxDepth) throw new Error(`its functions call each other ${depth} deep`);
    if (body) expand(node, body, depth);
    else push(node);
  }

  function expand(call: NodeDef, { signature, node_def, ret }: FunctionDef, depth: number): void {
    const within = (name: string) => `${call.name}/${name}`;
    const data = call.input.filter(isData);
    for (const [index, { name }] of signature.input_arg.entries()) pass(within(name), data[index] ?? '');
    const operations = new Map(node_def.map(({ name, op }) => [name, op]));
    /** '<node>:<output>:<index>', or an argument -> '<node>:<index>' */
    const renamed = (input: string): string => {
      const [name = '', output, index = '0'] = input.split(':');
      const first = firstOutputs.get(operations.get(name) ?? '');
      const isAnother = first !== undefined && output !== undefined && output !== first;
      return nodeOf(`${within(name)}:${isAnother ? output : index}`);
    };
    for (const node of node_def) {
      const input = node.input.filter(isData).map(renamed);
      add({ ...node, name: within(node.name), input }, depth + 1);
    }
    const returned = new Map(ret.map(({ key, value }) => [key, value]));
    for (const [index, { name }] of signature.output_arg.entries())
      pass(nodeOf(`${call.name}:${index}`), renamed(returned.get(name) ?? ''));
  }

  for (const node of nodes) add(node, 0);
  return inlined;
}
