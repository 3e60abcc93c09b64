import type * as tf from '@tensorflow/tfjs-core';
import type { ModelTools } from '../model_tools/index.ts';
import type { Architecture } from './architecture.ts';
import { convNorm } from './conv_norm.ts';
import { levelsFor } from './growth.ts';
import { meanHead } from './mean_head.ts';

const blocksALevel = 2;

/** Two 3x3 convolutions, to whose result the input is added, brought to its shape where that differs. */
function residualBlock(
  tools: ModelTools,
  layer: tf.Tensor4D,
  { channels, stride }: { channels: number; stride: number },
): tf.Tensor4D {
  const fits = stride === 1 && layer.shape[3] === channels;
  const shortcut = fits ? layer : convNorm(tools, layer, { kernel: 1, channels, stride });
  let network = tools.activationLayer(convNorm(tools, layer, { channels, stride }));
  network = convNorm(tools, network, { channels });
  return tools.activationLayer(tools.addLayer(network, shortcut));
}

/**
 * Residual blocks (He et al. 2016), two a level; each level after the first halves the maps and doubles the channels;
 * then the mean of each map. How many levels and channels: growth.ts.
 */
export const residual: Architecture = (tools, pictures, { classes, dropout, firstChannels }) => {
  const [, height, width] = pictures.shape;
  let channels = firstChannels;
  let network = tools.activationLayer(convNorm(tools, pictures, { channels }));
  for (let level = 1; level <= levelsFor(height, width); level++) {
    if (level > 1) channels *= 2;
    for (let block = 1; block <= blocksALevel; block++) {
      const stride = level > 1 && block === 1 ? 2 : 1;
      network = residualBlock(tools, network, { channels, stride });
    }
  }
  return meanHead(tools, network, { classes, dropout });
};
