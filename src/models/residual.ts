import type { ModelTools, Value } from '../layers/index.ts';
import type { Architecture } from './architecture.ts';
import { convNorm } from './conv_norm.ts';
import { stagesFor } from './growth.ts';
import { meanHead } from './mean_head.ts';

const blocksPerStage = 2;

/** Two 3x3 convolutions plus a shortcut: the input, projected by a 1x1 convolution if the shapes differ. */
function residualBlock(
  tools: ModelTools,
  layer: Value,
  { channels, stride }: { channels: number; stride: number },
): Value {
  const fits = stride === 1 && layer.shape[3] === channels;
  const shortcut = fits ? layer : convNorm(tools, layer, { kernel: 1, channels, stride });
  let network = tools.activationLayer(convNorm(tools, layer, { channels, stride }));
  network = convNorm(tools, network, { channels });
  return tools.activationLayer(tools.addLayer(network, shortcut));
}

/**
 * Residual blocks (He et al. 2016), two per stage; each stage after the first halves the maps and doubles the channels;
 * then global average pooling. growth.ts sets the number of stages and channels.
 */
export const residual: Architecture = (tools, pictures, { classes, firstChannels }) => {
  const [, height, width] = pictures.shape as [number, number, number];
  let channels = firstChannels;
  let network = tools.activationLayer(convNorm(tools, pictures, { channels }));
  for (let stage = 1; stage <= stagesFor(height, width); stage++) {
    if (stage > 1) channels *= 2;
    for (let block = 1; block <= blocksPerStage; block++) {
      const stride = stage > 1 && block === 1 ? 2 : 1;
      network = residualBlock(tools, network, { channels, stride });
    }
  }
  return meanHead(tools, network, classes);
};
