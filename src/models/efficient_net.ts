import type { ModelTools, Value } from '../layers/index.ts';
import type { Architecture } from './architecture.ts';
import { convNorm } from './conv_norm.ts';
import { meanHead } from './mean_head.ts';

/** A stage of MBConv blocks: `blocks` and `channels` are those of EfficientNet-Lite 0, 1 and 2. */
interface Stage {
  kernel: number;
  /** Of the first block; the others have 1. */
  stride: number;
  /** Channels within a block, as a multiple of the block's input. */
  expansion: number;
  blocks: [number, number, number];
  channels: [number, number, number];
}

const stages: Stage[] = [
  { kernel: 3, stride: 1, expansion: 1, blocks: [1, 1, 1], channels: [16, 16, 16] },
  { kernel: 3, stride: 2, expansion: 6, blocks: [2, 3, 3], channels: [24, 24, 24] },
  { kernel: 5, stride: 2, expansion: 6, blocks: [2, 3, 3], channels: [40, 40, 48] },
  { kernel: 3, stride: 2, expansion: 6, blocks: [3, 4, 4], channels: [80, 80, 88] },
  { kernel: 5, stride: 1, expansion: 6, blocks: [3, 4, 4], channels: [112, 112, 120] },
  { kernel: 5, stride: 2, expansion: 6, blocks: [4, 5, 5], channels: [192, 192, 208] },
  { kernel: 3, stride: 1, expansion: 6, blocks: [1, 1, 1], channels: [320, 320, 352] },
];

const stemChannels = 32;
const headChannels = 1280;

interface BlockOptions {
  kernel: number;
  stride: number;
  expansion: number;
  channels: number;
}

/**
 * An inverted residual block (MobileNetV2, Sandler et al. 2018): a 1x1 convolution to more channels, a depthwise
 * convolution, and a 1x1 convolution back, without an activation; plus its input, where the shapes are the same.
 */
function mbConv(
  tools: ModelTools,
  input: Value,
  { kernel, stride, expansion, channels }: BlockOptions,
): Value {
  const relu6 = (layer: Value) => tools.activationLayer(layer, { function: 'relu6' });
  const inputChannels = input.shape[3] as number;
  let network = input;
  if (expansion > 1)
    network = relu6(convNorm(tools, network, { kernel: 1, channels: inputChannels * expansion }));
  network = tools.depthwiseConvLayer(network, { kernel, stride, biases: false });
  network = relu6(tools.batchNormLayer(network));
  network = convNorm(tools, network, { kernel: 1, channels });
  return stride === 1 && inputChannels === channels ? tools.addLayer(network, input) : network;
}

/**
 * EfficientNet-Lite: EfficientNet (Tan and Le 2019) without squeeze-and-excitation and with ReLU6, after the reference
 * implementation, https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite. Stem and head have the
 * same channels in all sizes. Convolutions pad like TensorFlow's SAME; epsilon of batch normalisation is 0.001.
 */
const efficientNetLite =
  (size: 0 | 1 | 2): Architecture =>
  (tools, pictures, { classes }) => {
    const relu6 = (layer: Value) => tools.activationLayer(layer, { function: 'relu6' });
    let network = relu6(convNorm(tools, pictures, { channels: stemChannels, stride: 2 }));
    for (const { blocks, channels, stride, ...stage } of stages)
      for (let block = 1; block <= blocks[size]; block++)
        network = mbConv(tools, network, {
          ...stage,
          channels: channels[size],
          stride: block === 1 ? stride : 1,
        });
    network = relu6(convNorm(tools, network, { kernel: 1, channels: headChannels }));
    return meanHead(tools, network, classes);
  };

/** For pictures of about 224 x 224: 4.65 M parameters with 1,000 classes. */
export const efficientNetLite0 = efficientNetLite(0);
/** For pictures of about 240 x 240: 5.42 M parameters with 1,000 classes. */
export const efficientNetLite1 = efficientNetLite(1);
/** For pictures of about 260 x 260: 6.09 M parameters with 1,000 classes. */
export const efficientNetLite2 = efficientNetLite(2);
