import type { Architecture } from './architecture.ts';
import { convNorm } from './conv_norm.ts';
import { stagesFor } from './growth.ts';
import { meanHead } from './mean_head.ts';

/**
 * Stages of two 3x3 convolutions with batch normalisation and one max-pooling, each stage with twice the channels of the
 * one before (after VGG, Simonyan and Zisserman 2015); then global average pooling. growth.ts sets the number of stages
 * and channels.
 */
export const deep: Architecture = (tools, pictures, { classes, firstChannels }) => {
  const [, height, width] = pictures.shape as [number, number, number];
  let network = pictures;
  let channels = firstChannels;
  for (let stage = 1; stage <= stagesFor(height, width); stage++) {
    network = tools.activationLayer(convNorm(tools, network, { channels }));
    network = tools.activationLayer(convNorm(tools, network, { channels }));
    network = tools.poolingLayer(network, { kernel: 2, stride: 2 });
    channels *= 2;
  }
  return meanHead(tools, network, classes);
};
