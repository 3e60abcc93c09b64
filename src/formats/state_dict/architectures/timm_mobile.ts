import { type Convention, imageNet, type StateDictArchitecture } from '../architecture.ts';
import type { Modules } from '../modules.ts';
import { liteConvention } from './efficientnet_lite.ts';
import {
  addInvertedResiduals,
  type BlockNames,
  type Design,
  efficientNetLiteStages,
  mobileNetV2Stages,
  type NetworkNames,
} from './inverted_residuals.ts';

const mark = 'blocks.0.0.conv_dw.weight';

function blockNames(net: Modules, block: string): BlockNames {
  const pair = (conv: string, norm: string): [string, string] => [`${block}.${conv}`, `${block}.${norm}`];
  if (!net.has(`${block}.conv_pwl.weight`))
    return { depthwise: pair('conv_dw', 'bn1'), project: pair('conv_pw', 'bn2') };
  return {
    expand: pair('conv_pw', 'bn1'),
    depthwise: pair('conv_dw', 'bn2'),
    project: pair('conv_pwl', 'bn3'),
  };
}

function namesIn(net: Modules): NetworkNames {
  const blocks = mobileNetV2Stages.map((_, stage) => {
    const names: BlockNames[] = [];
    for (let block = 0; block === 0 || net.has(`blocks.${stage}.${block}.conv_dw.weight`); block++)
      names.push(blockNames(net, `blocks.${stage}.${block}`));
    return names;
  });
  return { stem: ['conv_stem', 'bn1'], blocks, head: ['conv_head', 'bn2'], classifier: 'classifier' };
}

const sides = [224, 240, 260, 300, 380] as const;

function conventionOf(net: Modules, convention: Omit<Convention, 'side'>): Convention {
  const channels = net.shapeOf('blocks.2.0.conv_pwl.weight')[0] as number;
  return liteConvention(convention, sides, { blocks: namesIn(net).blocks.flat().length, channels });
}

function timm(
  description: string,
  names: RegExp,
  design: Design,
  convention: (net: Modules) => Convention,
): StateDictArchitecture {
  return {
    description,
    names,
    mark,
    stem: 'conv_stem.weight',
    suits: (net) => net.shapeOf('blocks.2.0.conv_dw.weight')[2] === design.stages[2]?.kernel,
    build: (net, pictures) => addInvertedResiduals(net, namesIn(net), design, pictures),
    convention,
  };
}

/** timm's mobilenetv2_100 and its other widths and depths. */
export const timmMobileNetV2 = timm(
  'timm’s MobileNetV2',
  /^mobilenetv2_\d+d?$/,
  { stages: mobileNetV2Stages, padding: 'symmetric', epsilon: 1e-5 },
  () => ({ ...imageNet, filter: 'bicubic' }),
);

/** timm's efficientnet_lite0 to 4, trained by timm. */
export const timmEfficientNetLite = timm(
  'timm’s efficientnet_lite',
  /^efficientnet_lite\d$/,
  { stages: efficientNetLiteStages, padding: 'symmetric', epsilon: 1e-5 },
  (net) => conventionOf(net, imageNet),
);

/** timm's tf_efficientnet_lite0 to 4, whose names are the same, with TensorFlow's weights, padding and epsilon. */
export const timmTfEfficientNetLite = timm(
  'timm’s tf_efficientnet_lite',
  /^tf_efficientnet_lite\d$/,
  { stages: efficientNetLiteStages, padding: 'same', epsilon: 1e-3 },
  (net) => conventionOf(net, { ...imageNet, mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] }),
);
