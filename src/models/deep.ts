import type { Architecture } from './architecture.ts';
import { convNorm } from './conv_norm.ts';
import { levelsFor } from './growth.ts';
import { meanHead } from './mean_head.ts';

/**
 * Levels of two 3x3 convolutions with batch normalisation and a max-pooling, each level with twice the channels
 * (after VGG, Simonyan and Zisserman 2015); then the mean of each map. How many levels and channels: growth.ts.
 */
export const deep: Architecture = (tools, pictures, { classes, dropout, firstChannels }) => {
  const [, height, width] = pictures.shape;
  let network = pictures;
  let channels = firstChannels;
  for (let level = 1; level <= levelsFor(height, width); level++) {
    network = tools.activationLayer(convNorm(tools, network, { channels }));
    network = tools.activationLayer(convNorm(tools, network, { channels }));
    network = tools.poolingLayer(network, { kernel: 2, stride: 2 });
    channels *= 2;
  }
  return meanHead(tools, network, { classes, dropout });
};
