/** What the layers' formats.ts read nodes with. */

import type { Padding } from '../../layers/window.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import type { Value } from '../value.ts';
import {
  type GraphNode,
  type Match,
  operationOf,
  type Reading,
  type Variable,
  variableOf,
} from './meanings.ts';

const textOf = ({ attributes }: GraphNode, name: string) =>
  Buffer.from(attributes.get(name)?.s ?? []).toString();

const isOnes = (values: number[] = []) => values.every((value) => value === 1);

/** Whether its maps are [batch, height, width, channels]. */
export const isNhwc = (node: GraphNode) => ['', 'NHWC'].includes(textOf(node, 'data_format'));

/** Strides and padding of windows over maps; undefined where a layer of bat-sup cannot have them. */
export function windowOf(node: GraphNode): { strides: number[]; padding: Padding } | undefined {
  const strides = node.attributes.get('strides')?.list?.i ?? [];
  const padding = ({ SAME: 'same', VALID: 'valid' } as const)[textOf(node, 'padding')];
  const isPlain = isNhwc(node) && isOnes(node.attributes.get('dilations')?.list?.i);
  if (!isPlain || !padding || strides.length !== 4 || strides[0] !== 1 || strides[3] !== 1) return undefined;
  return { strides: strides.slice(1, 3), padding };
}

/** The op of a sum of two tensors. */
export const isSum = (node: GraphNode | undefined): node is GraphNode =>
  node?.op === 'Add' || node?.op === 'AddV2';

type ReadBiased = (node: GraphNode, biases?: Variable) => Match | undefined;

/**
 * How a layer is read whose biases are a node of their own: the op itself, and a sum of it and a variable of one axis.
 * @param read is given the op's node and the biases, where there are any.
 */
export function withBiases(
  op: string,
  read: ReadBiased,
): Record<string, (node: GraphNode) => Match | undefined> {
  const readSum = (node: GraphNode) => {
    const [a, b] = node.inputs;
    const [product, biases] = a?.op === op ? [a, variableOf(b)] : [b, variableOf(a)];
    const isBiased = isNhwc(node) && product?.op === op && biases?.shape.length === 1;
    return isBiased ? read(product, biases) : undefined;
  };
  return { [op]: (node) => read(node), Add: readSum, AddV2: readSum, BiasAdd: readSum };
}

type Read = Record<string, (node: GraphNode) => Match | undefined>;

/** Reads what the first of two ways can read, or else the second. */
export function either(first: Read, second: Read): Read {
  const ops = [...new Set([...Object.keys(first), ...Object.keys(second)])];
  return Object.fromEntries(ops.map((op) => [op, (node) => first[op]?.(node) ?? second[op]?.(node)]));
}

type AddConvolution = (
  builder: Reading['builder'],
  input: Value,
  parts: { kernel: Tensor; biases?: Tensor } & NonNullable<ReturnType<typeof windowOf>>,
  where: string,
) => Value;

interface ConvolutionNodes {
  op: string;
  /** Its output channels, by the shape of its kernel. */
  outputsOf(kernel: number[]): number | undefined;
  add: AddConvolution;
  /** The kernel of its second input; default: the variable that it is. */
  kernelOf?(node: GraphNode | undefined): Variable | undefined;
}

/** How a convolution is read, which may have biases. */
export function readConvolutions({ op, outputsOf, add, kernelOf = variableOf }: ConvolutionNodes) {
  return withBiases(op, (node, biases) => {
    const [input, kernel] = [operationOf(node.inputs[0]), kernelOf(node.inputs[1])];
    const window = windowOf(node);
    if (!window || !input || !kernel) return undefined;
    if (biases && biases.shape[0] !== outputsOf(kernel.shape)) return undefined;
    return {
      inputs: [input],
      variables: { kernel, biases },
      make: ({ builder, where, tensors }, [x]) =>
        add(builder, x, { ...window, ...(tensors as { kernel: Tensor; biases?: Tensor }) }, where),
    };
  });
}
