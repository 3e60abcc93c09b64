import * as tf from '@tensorflow/tfjs-core';
import type { Network } from '../../src/formats/index.ts';
import { valuesOf } from '../../src/formats/network.ts';
import { createFoldedModel } from '../../src/inference/model.ts';
import {
  type ActivationFunction,
  type ModelTools,
  modelTools,
  NetworkPlan,
  type Value,
} from '../../src/layers/index.ts';
import { evenly, networkOf } from '../helpers/network.ts';

interface Block {
  kernel: number;
  stride: number;
  /** Channels between the convolutions; 0: no expansion. */
  middle: number;
  outputs: number;
  padding?: 'same' | 'valid';
  function?: 'relu' | 'relu6';
}

/** An inverted residual block, with its input added where it fits. */
function blockLayer(tools: ModelTools, input: Value, block: Block): Value {
  const { kernel, stride, middle, outputs, padding = 'same', function: name = 'relu6' } = block;
  const convolve = (layer: Value, outputChannels: number) =>
    tools.batchNormLayer(
      tools.convLayer(layer, {
        kernel: 1,
        inputChannels: layer.shape[3] as number,
        outputChannels,
        stride: 1,
        biases: false,
      }),
    );
  let maps = middle > 0 ? tools.activationLayer(convolve(input, middle), { function: name }) : input;
  maps = tools.depthwiseConvLayer(maps, { kernel, stride, padding });
  maps = convolve(tools.activationLayer(maps, { function: name }), outputs);
  return String(maps.shape) === String(input.shape) ? tools.addLayer(maps, input) : maps;
}

type Write = (tools: ModelTools, pictures: Value) => Value;

const convolution =
  (kernel: number, stride: number, outputs: number, padding: 'same' | 'valid' = 'same'): Write =>
  (tools, maps) => {
    const inputChannels = maps.shape[3] as number;
    return tools.convLayer(maps, { kernel, stride, inputChannels, outputChannels: outputs, padding });
  };
const depthwise =
  (kernel: number, stride: number, padding: 'same' | 'valid' = 'same'): Write =>
  (tools, maps) =>
    tools.depthwiseConvLayer(maps, { kernel, stride, padding });
const pooling =
  (kernel: number, stride: number, padding: 'same' | 'valid' = 'same'): Write =>
  (tools, maps) =>
    tools.activationLayer(tools.poolingLayer(maps, { kernel, stride, padding }));
const block =
  (options: Block): Write =>
  (tools, maps) =>
    blockLayer(tools, maps, options);
/** Adds its input to what it computes. */
const added =
  (write: Write): Write =>
  (tools, maps) =>
    tools.activationLayer(tools.addLayer(write(tools, maps), maps), { function: 'relu6' });

const grouped =
  (kernel: number, stride: number, groups: number, outputs: number): Write =>
  (tools, maps) => {
    const options = { kernel, stride, groups, inputChannels: maps.shape[3] as number };
    return tools.convLayer(maps, { ...options, outputChannels: outputs });
  };
const activated =
  (name: ActivationFunction): Write =>
  (tools, maps) =>
    tools.activationLayer(maps, { function: name, alpha: 0.1 });
const normalised: Write = (tools, maps) => tools.batchNormLayer(maps);
const averagePooling =
  (kernel: number, stride: number, padding: 'same' | 'valid' = 'same'): Write =>
  (tools, maps) =>
    tools.averagePoolingLayer(maps, { kernel, stride, padding });
const padded =
  (top: number, left: number, bottom: number, right: number): Write =>
  (tools, maps) =>
    tools.zeroPaddingLayer(maps, { top, left, bottom, right });
const together =
  (...writes: Write[]): Write =>
  (tools, maps) =>
    writes.reduce((layer, write) => write(tools, layer), maps);
/** Puts what each computes of the same maps beside each other. */
const beside =
  (...writes: Write[]): Write =>
  (tools, maps) =>
    tools.concatLayer(writes.map((write) => write(tools, maps)));
const unchanged: Write = (_, maps) => maps;
/** Squeeze and excitation (Hu et al. 2018): maps times factors made of their means. */
const squeezed =
  (middle: number, inner: ActivationFunction, gate: ActivationFunction): Write =>
  (tools, maps) => {
    const channels = maps.shape[3] as number;
    let factors = tools.globalAveragePoolingLayer(maps, { keepDimensions: true });
    factors = together(
      convolution(1, 1, middle),
      activated(inner),
      convolution(1, 1, channels),
    )(tools, factors);
    return tools.multiplyLayer(maps, tools.activationLayer(factors, { function: gate }));
  };

const sizes: Record<string, { height: number; width: number; layers: Write[] }> = {
  'one pixel': {
    height: 1,
    width: 1,
    layers: [
      convolution(3, 2, 5),
      block({ kernel: 5, stride: 1, middle: 17, outputs: 5 }),
      block({ kernel: 3, stride: 2, middle: 0, outputs: 33 }),
      depthwise(5, 2),
      pooling(3, 2),
    ],
  },
  'kernels larger than the maps': {
    height: 3,
    width: 2,
    layers: [
      convolution(7, 1, 19),
      added(depthwise(7, 1)),
      block({ kernel: 7, stride: 1, middle: 40, outputs: 19 }),
      convolution(5, 2, 16),
    ],
  },
  'incomplete panels and tiles': {
    height: 13,
    width: 11,
    layers: [
      convolution(3, 2, 17),
      added(convolution(3, 1, 17)),
      block({ kernel: 3, stride: 1, middle: 49, outputs: 17, function: 'relu' }),
      convolution(1, 1, 31),
      pooling(3, 2),
      convolution(1, 2, 50),
    ],
  },
  'no padding': {
    height: 39,
    width: 30,
    layers: [
      convolution(3, 2, 8, 'valid'),
      depthwise(3, 2, 'valid'),
      block({ kernel: 3, stride: 1, middle: 24, outputs: 12, padding: 'valid' }),
      pooling(2, 1, 'valid'),
    ],
  },
  'maps that are computed in bands': {
    height: 66,
    width: 61,
    layers: [
      convolution(1, 1, 10),
      block({ kernel: 3, stride: 1, middle: 90, outputs: 10 }),
      block({ kernel: 5, stride: 1, middle: 72, outputs: 9 }),
      block({ kernel: 2, stride: 3, middle: 300, outputs: 20 }),
    ],
  },
  'bands of strides': {
    height: 101,
    width: 77,
    layers: [
      convolution(3, 1, 33),
      block({ kernel: 3, stride: 1, middle: 0, outputs: 6 }),
      block({ kernel: 5, stride: 2, middle: 130, outputs: 7 }),
    ],
  },
  'as EfficientNet and MobileNetV3': {
    height: 21,
    width: 18,
    layers: [
      convolution(3, 2, 12),
      activated('swish'),
      depthwise(3, 1),
      normalised,
      activated('hardSwish'),
      squeezed(5, 'swish', 'sigmoid'),
      convolution(1, 1, 12),
      added(
        together(
          convolution(1, 1, 40),
          activated('hardSwish'),
          depthwise(5, 1),
          squeezed(9, 'relu', 'hardSigmoid'),
          convolution(1, 1, 12),
        ),
      ),
      activated('leakyRelu'),
      convolution(1, 1, 33),
      activated('hardSigmoid'),
    ],
  },
  'as DenseNet': {
    height: 30,
    width: 27,
    layers: [
      padded(3, 3, 3, 3),
      convolution(7, 2, 20, 'valid'),
      normalised,
      activated('relu'),
      padded(1, 1, 1, 1),
      pooling(3, 2, 'valid'),
      beside(unchanged, together(normalised, activated('relu'), convolution(1, 1, 24), convolution(3, 1, 7))),
      beside(unchanged, together(normalised, activated('relu'), convolution(1, 1, 24), convolution(3, 1, 7))),
      normalised,
      activated('swish'),
      convolution(1, 1, 17),
      averagePooling(2, 2, 'valid'),
    ],
  },
  'as Inception': {
    height: 19,
    width: 23,
    layers: [
      convolution(3, 2, 16),
      beside(
        together(convolution(1, 1, 5), activated('relu')),
        together(convolution(1, 1, 4), convolution(3, 1, 17), activated('relu')),
        together(convolution(1, 1, 3), convolution(5, 1, 16)),
        together(pooling(3, 1), convolution(1, 1, 2)),
      ),
      averagePooling(3, 1),
      beside(convolution(3, 2, 32), pooling(3, 2), averagePooling(3, 2)),
      beside(convolution(1, 1, 16), unchanged),
      averagePooling(5, 3),
    ],
  },
  'as RegNet and ResNeXt': {
    height: 26,
    width: 17,
    layers: [
      convolution(3, 2, 24),
      added(
        together(
          convolution(1, 1, 24),
          grouped(3, 1, 3, 24),
          activated('relu'),
          squeezed(6, 'relu', 'sigmoid'),
          convolution(1, 1, 24),
        ),
      ),
      grouped(3, 2, 2, 24),
      activated('swish'),
      added(grouped(3, 1, 6, 24)),
      grouped(1, 1, 3, 33),
      grouped(5, 1, 11, 66),
      grouped(2, 3, 2, 6),
      grouped(3, 1, 6, 18),
    ],
  },
  'depthwise first, stride beyond the kernel': {
    height: 9,
    width: 10,
    layers: [depthwise(2, 3), added(depthwise(3, 1)), pooling(1, 2)],
  },
};

function networkFor({ height, width, layers }: (typeof sizes)[string]): Network {
  const plan = new NetworkPlan();
  const tools = modelTools(plan);
  let maps: Value = { shape: [-1, height, width, 3] };
  for (const write of layers) maps = write(tools, maps);
  const features = tools.globalAveragePoolingLayer(maps);
  const inputs = maps.shape[3] as number;
  const hidden = tools.fullyConnectedLayer(features, { inputs, outputs: inputs });
  const sum = tools.activationLayer(tools.addLayer(hidden, features), { function: 'relu6' });
  const normal = tools.batchNormLayer(tools.fullyConnectedLayer(sum, { inputs, outputs: 19 }));
  tools.fullyConnectedLayer(tools.activationLayer(normal), { inputs: 19, outputs: 3 });
  const classes = ['bat', 'cat', 'owl'];
  return networkOf({ architecture: 'layers', height, width, channels: 3, classes, layers: plan.layers });
}

/** Pictures of random pixels, -1..1. */
export function randomPictures({ model: { height, width } }: Network, count: number): tf.Tensor4D {
  const random = evenly(3);
  const values = Float32Array.from({ length: count * height * width * 3 }, () => {
    return 2 * (random.next().value as number) - 1;
  });
  return tf.tensor4d(values, [count, height, width, 3]);
}

/** Networks of sizes that leave tiles, panels and bands of kernels incomplete. The engine must run. */
export function oddNetworks(): [name: string, network: Network][] {
  return Object.entries(sizes).map(([name, one]) => [name, networkFor(one)]);
}

/** The output of a network's first layers, folded. */
export function foldedOutput(
  network: Network,
  pictures: tf.Tensor4D,
  layers = network.layers.length,
): Float32Array {
  const folded = createFoldedModel({ layers: network.layers.slice(0, layers), weights: valuesOf(network) });
  const output = folded.forward(pictures);
  const values = output.dataSync() as Float32Array;
  output.dispose();
  folded.dispose();
  return values;
}
