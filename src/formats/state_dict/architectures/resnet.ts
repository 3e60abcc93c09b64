import type { Value } from '../../value.ts';
import { imageNet, type StateDictArchitecture } from '../architecture.ts';
import type { Modules } from '../modules.ts';

const epsilon = 1e-5;

interface Step {
  kernel: number;
  stride: number;
}

/** A convolution and its normalisation, e.g. conv1 and bn1. */
function convNorm(net: Modules, [conv, norm]: [string, string], input: Value, step: Step): Value {
  return net.norm(norm, net.conv(conv, input, step), epsilon);
}

/** The convolutions of a block: two of 3x3, or 1x1, 3x3 (which has the stride) and 1x1. */
function stepsOf(net: Modules, block: string, stride: number): Step[] {
  const one = { kernel: 1, stride: 1 };
  if (net.has(`${block}.conv3.weight`)) return [one, { kernel: 3, stride }, one];
  return [
    { kernel: 3, stride },
    { kernel: 3, stride: 1 },
  ];
}

function residualBlock(net: Modules, block: string, input: Value, stride: number): Value {
  const steps = stepsOf(net, block, stride);
  const output = steps.reduce((layer, step, index) => {
    const names: [string, string] = [`${block}.conv${index + 1}`, `${block}.bn${index + 1}`];
    const normalised = convNorm(net, names, layer, step);
    return index < steps.length - 1 ? net.activation(normalised, 'relu') : normalised;
  }, input);
  const projection: [string, string] = [`${block}.downsample.0`, `${block}.downsample.1`];
  const shortcut = net.has(`${projection[0]}.weight`)
    ? convNorm(net, projection, input, { kernel: 1, stride })
    : input;
  return net.activation(net.add(output, shortcut), 'relu');
}

/**
 * ResNet (He et al. 2015) as torchvision and timm name and compute it: 18, 34, 50, 101, 152 and every other number of blocks,
 * wide ones, and ResNeXt, whose groups the shapes tell. The stride of a bottleneck is that of its 3x3 convolution.
 */
export const resnet: StateDictArchitecture = {
  description: 'a ResNet of torchvision or timm',
  names: /^(tv_|gluon_|wide_)?resne(x)?t\d+(_\d+|_\d+x\d+d)?$/,
  mark: 'layer1.0.conv1.weight',
  stem: 'conv1.weight',
  build(net, pictures) {
    let network = convNorm(net, ['conv1', 'bn1'], pictures, { kernel: 7, stride: 2 });
    network = net.maxPool(net.activation(network, 'relu'), { kernel: 3, stride: 2 });
    for (const stage of [1, 2, 3, 4])
      for (let block = 0; block === 0 || net.has(`layer${stage}.${block}.conv1.weight`); block++)
        network = residualBlock(net, `layer${stage}.${block}`, network, stage > 1 && block === 0 ? 2 : 1);
    return net.classifier('fc', net.globalAveragePool(network));
  },
  convention: () => imageNet,
};
