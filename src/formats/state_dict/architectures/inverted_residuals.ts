import type { Value } from '../../value.ts';
import type { Modules } from '../modules.ts';

/** Names of a convolution and of its normalisation. */
type Pair = [conv: string, norm: string];

/** An inverted residual block: 1x1 to more channels, depthwise, 1x1 back. */
export interface BlockNames {
  /** Absent where the channels do not grow. */
  expand?: Pair | undefined;
  depthwise: Pair;
  project: Pair;
}

export interface NetworkNames {
  stem: Pair;
  /** By stage. */
  blocks: BlockNames[][];
  head: Pair;
  classifier: string;
}

/** What the names of a network's tensors do not tell. */
export interface Design {
  /** Kernel of the depthwise convolutions, stride of the first block, and growth within a block, by stage. */
  stages: { kernel: number; stride: number; expansion: number }[];
  padding: 'symmetric' | 'same';
  epsilon: number;
}

/** MobileNetV2 (Sandler et al. 2018), table 2. */
export const mobileNetV2Stages = [1, 2, 2, 2, 1, 2, 1].map((stride, stage) => ({
  kernel: 3,
  stride,
  expansion: stage === 0 ? 1 : 6,
}));

/** EfficientNet-Lite, github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite. */
export const efficientNetLiteStages = mobileNetV2Stages.map((stage, index) => ({
  ...stage,
  kernel: [2, 4, 5].includes(index) ? 5 : 3,
}));

/** Divides the names of blocks into stages. @param counts blocks by stage. */
export function inStages<T>(blocks: T[], counts: readonly number[]): T[][] {
  const rest = [...blocks];
  return counts.map((count) => rest.splice(0, count));
}

function block(
  net: Modules,
  { expand, depthwise, project }: BlockNames,
  input: Value,
  { kernel, stride, expansion, padding, epsilon }: Design['stages'][number] & Omit<Design, 'stages'>,
): Value {
  const channels = input.shape[2] as number;
  const step = { kernel: 1, stride: 1 };
  const convNorm = ([conv, norm]: Pair, layer: Value, options: typeof step) =>
    net.norm(norm, net.conv(conv, layer, { ...options, padding }), epsilon);
  const grown = expand ? net.activation(convNorm(expand, input, step), 'relu6') : input;
  if (grown.shape[2] !== channels * expansion)
    net.fail(
      `${(expand ?? depthwise)[0]}.weight`,
      `has ${grown.shape[2]} channels for ${channels}; ${expansion} times as many were expected`,
    );
  const moved = net.activation(convNorm(depthwise, grown, { kernel, stride }), 'relu6');
  const output = convNorm(project, moved, step);
  return stride === 1 && output.shape[2] === channels ? net.add(output, input) : output;
}

/** Adds a network of inverted residual blocks with ReLU6: MobileNetV2, EfficientNet-Lite. */
export function addInvertedResiduals(
  net: Modules,
  { stem, blocks, head, classifier }: NetworkNames,
  { stages, ...design }: Design,
  pictures: Value,
): Value {
  const { padding, epsilon } = design;
  const convNorm = ([conv, norm]: Pair, layer: Value, kernel: number, stride: number) =>
    net.activation(net.norm(norm, net.conv(conv, layer, { kernel, stride, padding }), epsilon), 'relu6');
  let network = convNorm(stem, pictures, 3, 2);
  for (const [index, stage] of stages.entries())
    for (const [position, names] of (blocks[index] ?? []).entries())
      network = block(net, names, network, {
        ...stage,
        ...design,
        stride: position === 0 ? stage.stride : 1,
      });
  network = convNorm(head, network, 1, 1);
  return net.classifier(classifier, net.globalAveragePool(network));
}
