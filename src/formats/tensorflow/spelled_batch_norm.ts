import { type Given, isOperation, type Meaning, type NormFactor } from './meanings.ts';

/**
 * Batch normalisation as tf.nn.batch_normalization spells it out, which Keras 3 answers with:
 * x * factor + (offset - mean * factor), with factor = rsqrt(variance + epsilon) * scale, or without the scale.
 */

type Understand = (given: Given) => Meaning | undefined;

const isRoot = (meaning: Meaning | undefined): meaning is NormFactor =>
  meaning?.kind === 'normFactor' && meaning.isRoot === true;

/** variance + epsilon; x * factor + shift. */
export const normSum: Understand = ({ node, inputs: [a, b] }) => {
  if (a?.kind === 'variable' && b?.kind === 'constant' && b.values.length === 1)
    return { kind: 'normFactor', variance: a, epsilon: b.values[0] as number };
  if (a?.kind !== 'multiply' || b?.kind !== 'normShift' || !b.offset) return undefined;
  if (a.by !== b.factor) return undefined;
  const { variance, epsilon, scale } = b.factor;
  const parts = { ...(scale && { scale }), offset: b.offset, mean: b.mean, variance };
  return { kind: 'batchNorm', node: node.name, inputs: a.inputs, parts, epsilon };
};

export const normRoot: Understand = ({ inputs: [sum] }) =>
  sum?.kind === 'normFactor' && !sum.isRoot ? { ...sum, isRoot: true } : undefined;

/** rsqrt(...) * scale; mean * factor; x * factor. */
export function normProduct({ node, inputs: [a, b] }: Given): Meaning | undefined {
  if (isRoot(a) && !a.scale && b?.kind === 'variable') return { ...a, scale: b };
  if (!isRoot(b)) return undefined;
  if (a?.kind === 'variable') return { kind: 'normShift', factor: b, mean: a };
  if (!isOperation(a)) return undefined;
  return { kind: 'multiply', node: node.name, inputs: [a], factor: undefined, by: b };
}

/** offset - mean * factor */
export const normDifference: Understand = ({ inputs: [offset, shift] }) =>
  offset?.kind === 'variable' && shift?.kind === 'normShift' && !shift.offset
    ? { ...shift, offset }
    : undefined;
