import { modelTools, NetworkPlan, type Value } from '../../src/layers/index.ts';
import type { ModelDescription } from '../../src/models/description.ts';
import { evenly } from './network.ts';

/**
 * A small network of inverted residual blocks (MobileNetV2, EfficientNet-Lite): expansion, depthwise convolution and
 * projection, each with batch normalisation; strides 1 and 2, kernels 3 and 5, with and without a residual connection.
 */
export function mbconvNetwork(width = 18, height = 14): ModelDescription {
  const plan = new NetworkPlan();
  const tools = modelTools(plan);
  const norm = (maps: Value, isActivated = true) => {
    const normalised = tools.batchNormLayer(maps);
    return isActivated ? tools.activationLayer(normalised, { function: 'relu6' }) : normalised;
  };
  const conv = (maps: Value, outputChannels: number, kernel = 1, stride = 1) =>
    tools.convLayer(maps, {
      kernel,
      inputChannels: maps.shape[3] as number,
      outputChannels,
      stride,
      biases: false,
    });
  const block = (
    maps: Value,
    { kernel, stride, expansion, channels }: Record<'kernel' | 'stride' | 'expansion' | 'channels', number>,
  ) => {
    const inputs = maps.shape[3] as number;
    const expanded = expansion > 1 ? norm(conv(maps, inputs * expansion)) : maps;
    const moved = norm(tools.depthwiseConvLayer(expanded, { kernel, stride, biases: false }));
    const projected = norm(conv(moved, channels), false);
    return stride === 1 && channels === inputs ? tools.addLayer(projected, maps) : projected;
  };
  let maps = norm(conv({ shape: [-1, height, width, 3] }, 8, 3, 2));
  maps = block(maps, { kernel: 3, stride: 1, expansion: 1, channels: 5 });
  maps = block(maps, { kernel: 5, stride: 2, expansion: 6, channels: 12 });
  maps = block(maps, { kernel: 3, stride: 1, expansion: 6, channels: 12 });
  const features = tools.globalAveragePoolingLayer(norm(conv(maps, 40)));
  tools.fullyConnectedLayer(features, { inputs: 40, outputs: 3, name: 'logits' });
  return {
    architecture: 'layers',
    width,
    height,
    channels: 3,
    classes: ['a', 'b', 'c'],
    layers: plan.layers,
  };
}

/** Weights as of a trained network, by variable name: activations neither vanish nor all saturate. */
export function trainedWeights({ layers = [] }: ModelDescription): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const { variables, state = [] } of layers) {
    for (const { name, shape } of [...variables, ...state]) {
      const random = evenly([...name].reduce((hash, one) => (hash * 31 + one.charCodeAt(0)) | 0, 7));
      const size = shape.reduce((product, length) => product * length, 1);
      const part = name.slice(name.lastIndexOf('/') + 1);
      const inputs = name.startsWith('depthwise')
        ? size / (shape[2] as number)
        : size / (shape.at(-1) as number);
      const [from, spread] =
        part === 'weights'
          ? [-2 / Math.sqrt(inputs), 4 / Math.sqrt(inputs)]
          : part === 'scale' || part === 'variance'
            ? [0.6, 1]
            : [-0.4, 0.8];
      weights.set(
        name,
        Float32Array.from({ length: size }, () => from + spread * (random.next().value as number)),
      );
    }
  }
  return weights;
}
