import { imageNet, type StateDictArchitecture } from '../architecture.ts';
import type { Modules } from '../modules.ts';
import {
  addInvertedResiduals,
  type BlockNames,
  inStages,
  mobileNetV2Stages,
  type NetworkNames,
} from './inverted_residuals.ts';

/** Blocks by stage; the file could hold other numbers only if torchvision were given other settings. */
const counts = [1, 2, 3, 4, 3, 3, 1];
const blocks = counts.reduce((sum, count) => sum + count);

function blockNames(net: Modules, index: number): BlockNames {
  const conv = `features.${index}.conv`;
  const grows = net.has(`${conv}.3.weight`);
  const triple = (position: number): [string, string] => [`${conv}.${position}.0`, `${conv}.${position}.1`];
  return {
    expand: grows ? triple(0) : undefined,
    depthwise: triple(grows ? 1 : 0),
    project: grows ? [`${conv}.2`, `${conv}.3`] : [`${conv}.1`, `${conv}.2`],
  };
}

function namesIn(net: Modules): NetworkNames {
  const head = `features.${blocks + 1}`;
  const names = Array.from({ length: blocks }, (_, index) => blockNames(net, index + 1));
  return {
    stem: ['features.0.0', 'features.0.1'],
    blocks: inStages(names, counts),
    head: [`${head}.0`, `${head}.1`],
    classifier: 'classifier',
  };
}

/** torchvision's MobileNetV2, of any width. */
export const mobileNetV2: StateDictArchitecture = {
  description: 'torchvision’s MobileNetV2',
  names: /^mobilenet_v2$/,
  mark: 'features.1.conv.0.0.weight',
  stem: 'features.0.0.weight',
  build: (net, pictures) =>
    addInvertedResiduals(
      net,
      namesIn(net),
      { stages: mobileNetV2Stages, padding: 'symmetric', epsilon: 1e-5 },
      pictures,
    ),
  convention: () => imageNet,
};
