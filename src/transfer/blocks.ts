import { type LayerSummary, variablesOf } from '../layers/index.ts';

/** Whether nothing behind a layer reads anything before it: what the rest of the network knows passes through it. */
function bottlenecks(layers: LayerSummary[]): boolean[] {
  const indexes = new Map(layers.map(({ name }, index) => [name, index]));
  const lastReader = layers.map((_, index) => index);
  let last = 0; // of the pictures
  for (const [index, { inputs }] of layers.entries()) {
    if (inputs.length === 0) last = index;
    for (const input of inputs) lastReader[indexes.get(input) as number] = index;
  }
  return layers.map((_, index) => {
    const passes = last <= index;
    last = Math.max(last, lastReader[index] as number);
    return passes;
  });
}

/** Layers between two points at which the network has a single path: a layer, or all of a residual block or a module of branches. */
function segmentsOf(layers: LayerSummary[]): LayerSummary[][] {
  const passes = bottlenecks(layers);
  const segments: LayerSummary[][] = [];
  for (const [index, layer] of layers.entries()) {
    if (index === 0 || passes[index - 1]) segments.push([]);
    (segments.at(-1) as LayerSummary[]).push(layer);
  }
  return segments;
}

const kernels = ['conv', 'depthwiseConv', 'fullyConnected'];
const hasKernel = ({ kind }: LayerSummary) => kernels.includes(kind);

/** Whether a segment weighs the maps that go through it, as squeeze and excitation does: it is part of the block around it. */
const isGate = (segment: LayerSummary[]) => segment.at(-1)?.kind === 'multiply';

/**
 * A network's layers in blocks, in order, for fine-tuning that stops at a block. A block begins where the network has a single
 * path, at a convolution or fully connected layer, and takes what follows without one: it is a convolution with its
 * normalisation, activation and pooling, a depthwise separable convolution, a residual or inverted residual block, or a module of
 * branches. The features' pooling belongs to the last one.
 */
export function blocksOf(layers: LayerSummary[]): LayerSummary[][] {
  const blocks: LayerSummary[][] = [[]];
  let kernelBefore: LayerSummary | undefined;
  for (const segment of segmentsOf(layers)) {
    const own = isGate(segment) ? [] : segment.filter(hasKernel);
    const isDepthwise = own.length > 0 && own.every(({ kind }) => kind === 'depthwiseConv');
    const isSeparable = isDepthwise || kernelBefore?.kind === 'depthwiseConv';
    if (own.length > 0 && kernelBefore && !isSeparable) blocks.push([]);
    (blocks.at(-1) as LayerSummary[]).push(...segment);
    kernelBefore = own.at(-1) ?? kernelBefore;
  }
  return blocks;
}

/** The layers that learn when the last `count` blocks and the last layer do, and those that do not. */
export interface Freeze {
  /** Names of layers that do not learn. */
  frozen: string[];
  /** How many layers back from the logits a block lies, by the names of its variables: 0 for the last layer. */
  depths: Map<string, number>;
}

/**
 * Which layers are frozen when the head, which computes the logits, and `count` blocks before it learn.
 * @param head how many of the last layers are the head.
 * @param count 0: the head alone; more than there are: all.
 */
export function freezeBefore(layers: LayerSummary[], head: number, count: number): Freeze {
  const blocks = [...blocksOf(layers.slice(0, -head)), layers.slice(-head)].reverse();
  const learning = blocks.slice(0, count + 1);
  const depths = learning.flatMap((block, depth) =>
    block.flatMap(variablesOf).map(({ name }): [string, number] => [name, depth]),
  );
  const isLearning = new Set(learning.flat());
  const frozen = layers.filter((layer) => !isLearning.has(layer)).map(({ name }) => name);
  return { frozen, depths: new Map(depths) };
}
