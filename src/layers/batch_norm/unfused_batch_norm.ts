import {
  constantOf,
  type GraphNode,
  operationOf,
  type Variable,
  variableOf,
} from '../../formats/tensorflow/meanings.ts';
import { isSum } from '../../formats/tensorflow/reading.ts';

/** The variables of a batch normalisation; without a scale it is 1. */
interface Factor {
  scale?: Variable;
  variance: Variable;
  epsilon: number;
}

/** rsqrt(variance + epsilon) */
function rootOf(node: GraphNode | undefined): Factor | undefined {
  const [sum] = node?.inputs ?? [];
  if (node?.op !== 'Rsqrt' || !isSum(sum)) return undefined;
  const variance = variableOf(sum.inputs[0]);
  const [epsilon, ...more] = constantOf(sum.inputs[1])?.values ?? [];
  return variance && epsilon !== undefined && more.length === 0 ? { variance, epsilon } : undefined;
}

/** rsqrt(variance + epsilon) * scale, or without the scale. */
function factorOf(node: GraphNode | undefined): Factor | undefined {
  if (node?.op !== 'Mul') return rootOf(node);
  const [root, scale] = [rootOf(node.inputs[0]), variableOf(node.inputs[1])];
  return root && scale && { ...root, scale };
}

/** The two inputs of a node of this op. */
const inputsOf = (node: GraphNode | undefined, op: string) => (node?.op === op ? node.inputs : []);

/**
 * Batch normalisation as tf.nn.batch_normalization computes it, which Keras 3 uses in inference:
 * x * factor + (offset - mean * factor), with factor = rsqrt(variance + epsilon) * scale.
 * @param sum its last node.
 */
export function unfusedBatchNorm({ inputs: [scaled, shift] }: GraphNode) {
  const [x, factor] = inputsOf(scaled, 'Mul');
  const [offsetNode, scaledMean] = inputsOf(shift, 'Sub');
  const [meanNode, sameFactor] = inputsOf(scaledMean, 'Mul');
  const [input, offset, mean] = [operationOf(x), variableOf(offsetNode), variableOf(meanNode)];
  const found = factor === sameFactor && factorOf(factor);
  if (!found || !input || !offset || !mean) return undefined;
  const { scale, variance, epsilon } = found;
  return { input, variables: { scale, offset, mean, variance }, epsilon };
}
