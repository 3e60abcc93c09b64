import type { Architecture } from './architecture.ts';
import { convNorm } from './conv_norm.ts';
import { firstChannelsFor, levelsFor } from './growth.ts';

/**
 * Levels of two 3x3 convolutions with batch normalisation and a max-pooling, each level with twice the channels
 * (after VGG, Simonyan and Zisserman 2015); then the mean of each map. How many levels and channels: growth.ts.
 */
export const deep: Architecture = (tools, pictures, { classes, dropout }) => {
  const [, height, width] = pictures.shape;
  let network = pictures;
  let channels = firstChannelsFor(classes);
  for (let level = 1; level <= levelsFor(height, width); level++) {
    network = tools.activationLayer(convNorm(tools, network, { channels }));
    network = tools.activationLayer(convNorm(tools, network, { channels }));
    network = tools.poolingLayer(network, { kernel: 2, stride: 2 });
    channels *= 2;
  }
  let features = tools.globalAveragePoolingLayer(network);
  if (dropout > 0) features = tools.dropoutLayer(features, { rate: dropout });
  return tools.fullyConnectedLayer(features, { inputs: channels / 2, outputs: classes, name: 'logits' });
};
