import type { Architecture } from './architecture.ts';

/** The article's network: three stages of convolution, then two fully connected layers. */
export const article: Architecture = (tools, pictures, { channels, classes }) => {
  let network = tools.convLayer(pictures, {
    kernel: 5,
    inputChannels: channels,
    outputChannels: 16,
    stride: 1,
  });
  network = tools.poolingLayer(network, { kernel: 5, stride: 2 });
  network = tools.activationLayer(network);

  network = tools.convLayer(network, { kernel: 4, inputChannels: 16, outputChannels: 32, stride: 1 });
  network = tools.poolingLayer(network, { kernel: 4, stride: 2 });
  network = tools.activationLayer(network);

  network = tools.convLayer(network, { kernel: 3, inputChannels: 32, outputChannels: 64, stride: 1 });
  network = tools.poolingLayer(network, { kernel: 3, stride: 2 });
  network = tools.activationLayer(network);

  const { layer: features, size } = tools.flatteningLayer(network);

  const connected = tools.fullyConnectedLayer(features, { inputs: size, outputs: 1024 });
  const activated = tools.activationLayer(connected);
  return tools.fullyConnectedLayer(activated, { inputs: 1024, outputs: classes, name: 'logits' });
};
