import { constantOf, type GraphNode, operationOf } from '../../formats/tensorflow/meanings.ts';
import { isSum } from '../../formats/tensorflow/reading.ts';

/** A node that is x * sigmoid(x), x * relu6(x + 3) / 6 in any order (x / 6 first, too), or relu6(x + 3) / 6 alone. */
export interface Gated {
  function: 'swish' | 'hardSwish' | 'hardSigmoid';
  input: GraphNode;
}

type Node = GraphNode | undefined;

/** The value of a constant scalar. */
const numberOf = (node: Node) => {
  const values = constantOf(node)?.values ?? [];
  return values.length === 1 ? values[0] : undefined;
};

const isNear = (value: number | undefined, wanted: number) =>
  value !== undefined && Math.abs(value - wanted) < 1e-6;

/** Whether two nodes give the same: a product with 1, as Keras's silu has it, means what it reads. */
const isSame = (one: Node, other: Node) =>
  one === other || (operationOf(one) !== undefined && operationOf(one) === operationOf(other));

/** The two inputs of a node in both orders. */
const orders = ({ inputs: [a, b] }: GraphNode): [Node, Node][] => [
  [a, b],
  [b, a],
];

/** The node that this one divides by 6 or multiplies by 1 / 6. */
function sixfold(node: Node): Node {
  if (node?.op === 'RealDiv') return isNear(numberOf(node.inputs[1]), 6) ? node.inputs[0] : undefined;
  if (node?.op !== 'Mul') return undefined;
  return orders(node).find(([, factor]) => isNear(numberOf(factor), 1 / 6))?.[0];
}

/** The x of a node that computes relu6(x + 3). */
function shiftedBy3(gate: Node): Node {
  const sum = gate?.op === 'Relu6' ? gate.inputs[0] : undefined;
  return isSum(sum) ? orders(sum).find(([, shift]) => isNear(numberOf(shift), 3))?.[0] : undefined;
}

/** Whether a node is relu6(x + 3). */
function isGateOf(gate: Node, x: GraphNode): boolean {
  const shifted = shiftedBy3(gate);
  return shifted !== undefined && isSame(shifted, x);
}

/** The x of a node that computes x * gate(x). */
function gatedBy(node: Node, isGate: (gate: Node, x: GraphNode) => boolean): Node {
  if (node?.op !== 'Mul') return undefined;
  return orders(node).find(([x, gate]) => x !== undefined && isGate(gate, x))?.[0];
}

/** The x of a node that computes (x / 6) * relu6(x + 3), as TensorFlow's optimizer may order it. */
function scaledFirst(node: GraphNode): Node {
  if (node.op !== 'Mul') return undefined;
  const found = orders(node).map(([part, gate]) => [sixfold(part), gate] as const);
  return found.find(([x, gate]) => x !== undefined && isGateOf(gate, x))?.[0];
}

/** Recognises swish, hard swish and hard sigmoid in TensorFlow's graphs. @param node the last multiplication or division. */
export function gatedInput(node: GraphNode): Gated | undefined {
  const swished = gatedBy(node, (gate, x) => gate?.op === 'Sigmoid' && isSame(gate.inputs[0], x));
  if (swished) return { function: 'swish', input: swished };
  const hardSwished =
    gatedBy(sixfold(node), isGateOf) ??
    gatedBy(node, (gate, x) => isGateOf(sixfold(gate), x)) ??
    scaledFirst(node);
  if (hardSwished) return { function: 'hardSwish', input: hardSwished };
  const hardSigmoid = shiftedBy3(sixfold(node));
  return hardSigmoid && { function: 'hardSigmoid', input: hardSigmoid };
}
