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

const hasKernel = ({ kind }: LayerSummary) => kind === 'conv' || kind === 'depthwiseConv';

/**
 * A network's layers in blocks, in order, for fine-tuning that stops at a block: a convolution with its normalisation,
 * activation and pooling, a depthwise separable convolution, or a whole residual or inverted residual block. The
 * features' pooling and the fully connected layers belong to the last one; so does a network without convolutions.
 */
export function blocksOf(layers: LayerSummary[]): LayerSummary[][] {
  const passes = bottlenecks(layers);
  const blocks: LayerSummary[][] = [[]];
  let kernelBefore: LayerSummary | undefined;
  for (const [index, layer] of layers.entries()) {
    const begins = layer.kind === 'conv' && passes[index - 1] && kernelBefore?.kind === 'conv';
    if (begins) blocks.push([]);
    (blocks.at(-1) as LayerSummary[]).push(layer);
    if (hasKernel(layer)) kernelBefore = layer;
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
 * Which layers are frozen when the last layer, which computes the logits, and `count` blocks before it learn.
 * @param count 0: the last layer alone; more than there are: all.
 */
export function freezeBefore(layers: LayerSummary[], count: number): Freeze {
  const last = layers.at(-1) as LayerSummary;
  const blocks = [...blocksOf(layers.slice(0, -1)), [last]].reverse();
  const learning = blocks.slice(0, count + 1);
  const depths = learning.flatMap((block, depth) =>
    block.flatMap(variablesOf).map(({ name }): [string, number] => [name, depth]),
  );
  const isLearning = new Set(learning.flat());
  const frozen = layers.filter((layer) => !isLearning.has(layer)).map(({ name }) => name);
  return { frozen, depths: new Map(depths) };
}
