import type { ExportOptions, Network } from '../../src/formats/index.ts';
import {
  type ActivationFunction,
  type LayerSummary,
  type ModelTools,
  modelTools,
  NetworkPlan,
  type Value,
} from '../../src/layers/index.ts';
import type { ModelDescription } from '../../src/models/model.ts';
import { articleDescription, networkOf } from './network.ts';

/** The layers of a network that `write` makes of pictures [height, width, 3]. */
function layersFor([height, width]: number[], write: (tools: ModelTools, pictures: Value) => Value) {
  const plan = new NetworkPlan();
  write(modelTools(plan), { shape: [-1, height as number, width as number, 3] });
  return plan.layers;
}

/** Zeros on uneven sides, then convolution and pooling without padding, whose last rows and columns no window reaches. */
function validLayers(): LayerSummary[] {
  const padding = 'valid';
  return layersFor([22, 17], (tools, pictures) => {
    const options = { kernel: 3, inputChannels: 3, outputChannels: 5, stride: 2, padding } as const;
    const padded = tools.zeroPaddingLayer(pictures, { top: 1, left: 2, bottom: 3, right: 0 });
    const maps = tools.activationLayer(tools.convLayer(padded, options));
    const { layer, size } = tools.flatteningLayer(
      tools.poolingLayer(maps, { kernel: 3, stride: 2, padding }),
    );
    return tools.fullyConnectedLayer(layer, { inputs: size, outputs: 2 });
  });
}

/** Blocks of depthwise separable convolutions, as MobileNets have them, with these activations one after the other. */
function mobileLayers(activations: ActivationFunction[]): LayerSummary[] {
  return layersFor([21, 18], (tools, pictures) => {
    const first = { kernel: 3, inputChannels: 3, outputChannels: 8, stride: 2, biases: false };
    let maps = tools.batchNormLayer(tools.convLayer(pictures, first));
    for (const [index, name] of activations.entries()) {
      const [kernel, stride] = index === 1 ? [5, 2] : [3, 1];
      let block = tools.activationLayer(maps, { function: name, alpha: 0.1 });
      block = tools.depthwiseConvLayer(block, { kernel, stride, biases: index > 0 });
      block = tools.convLayer(block, { kernel: 1, inputChannels: 8, outputChannels: 8, stride: 1 });
      maps = stride === 1 ? tools.addLayer(maps, block) : block;
    }
    const features = tools.globalAveragePoolingLayer(maps);
    return tools.fullyConnectedLayer(features, { inputs: 8, outputs: 2 });
  });
}

/** Branches side by side as in Inception and DenseNet, average pooling, and squeeze-and-excitation in both its forms. */
function branchingLayers(gate: ActivationFunction): LayerSummary[] {
  return layersFor([19, 16], (tools, pictures) => {
    const convolve = (maps: Value, outputChannels: number, kernel = 1) =>
      tools.convLayer(maps, { kernel, inputChannels: maps.shape[3] as number, outputChannels, stride: 1 });
    const stem = tools.activationLayer(convolve(pictures, 6, 3));
    const averages = tools.averagePoolingLayer(stem, { kernel: 3, stride: 1 });
    const branches = [convolve(stem, 5), stem, convolve(averages, 3), tools.activationLayer(averages)];
    const joined = tools.batchNormLayer(tools.concatLayer(branches));
    const halved = tools.averagePoolingLayer(joined, { kernel: 2, stride: 2, padding: 'valid' });
    const squeezed = tools.activationLayer(
      convolve(tools.globalAveragePoolingLayer(halved, { keepDimensions: true }), 7),
      { function: 'swish' },
    );
    const excited = tools.multiplyLayer(
      tools.activationLayer(convolve(squeezed, 20), { function: gate }),
      halved,
    );
    const channels = tools.fullyConnectedLayer(tools.globalAveragePoolingLayer(excited), {
      inputs: 20,
      outputs: 20,
    });
    const scaled = tools.multiplyLayer(excited, tools.activationLayer(channels, { function: gate }));
    const squared = tools.multiplyLayer(scaled, scaled);
    const features = tools.concatLayer([
      tools.globalAveragePoolingLayer(squared),
      tools.globalAveragePoolingLayer(scaled),
    ]);
    return tools.fullyConnectedLayer(features, { inputs: 40, outputs: 2 });
  });
}

/** Kernels, windows and strides that differ by axis, as Inception's rows and columns. */
function unevenLayers(): LayerSummary[] {
  return layersFor([21, 26], (tools, pictures) => {
    let maps = tools.convLayer(pictures, {
      kernel: [3, 2],
      inputChannels: 3,
      outputChannels: 6,
      stride: [1, 2],
    });
    maps = tools.poolingLayer(tools.activationLayer(maps), { kernel: [2, 3], stride: [2, 1] });
    maps = tools.convLayer(maps, { kernel: [1, 7], inputChannels: 6, outputChannels: 8, stride: 1 });
    maps = tools.convLayer(maps, { kernel: [7, 1], inputChannels: 8, outputChannels: 8, stride: 1 });
    maps = tools.depthwiseConvLayer(maps, { kernel: [3, 5], stride: 2, padding: 'valid' });
    maps = tools.averagePoolingLayer(maps, { kernel: [1, 2], stride: [1, 3] });
    const { layer, size } = tools.flatteningLayer(maps);
    return tools.fullyConnectedLayer(layer, { inputs: size, outputs: 2 });
  });
}

/** Grouped convolutions as ResNeXt and RegNet have them, of uneven windows, and with two outputs for each channel. */
function groupedLayers(): LayerSummary[] {
  return layersFor([19, 22], (tools, pictures) => {
    let maps = tools.convLayer(pictures, { kernel: 3, inputChannels: 3, outputChannels: 8, stride: 2 });
    const options = { inputChannels: 8, outputChannels: 8, biases: false } as const;
    maps = tools.convLayer(maps, { ...options, kernel: 3, stride: 2, groups: 2 });
    maps = tools.activationLayer(tools.batchNormLayer(maps));
    maps = tools.convLayer(maps, { ...options, kernel: 1, stride: 1, groups: 4 });
    maps = tools.convLayer(maps, { ...options, kernel: [1, 3], stride: [2, 1], groups: 2, biases: true });
    maps = tools.convLayer(maps, { ...options, kernel: 3, stride: 1, groups: 8, outputChannels: 16 });
    const features = tools.globalAveragePoolingLayer(maps);
    return tools.fullyConnectedLayer(features, { inputs: 16, outputs: 2 });
  });
}

const ofLayers = (height: number, width: number, layers: LayerSummary[]): ModelDescription => ({
  architecture: 'layers',
  width,
  height,
  channels: 3,
  classes: ['one', 'two'],
  layers,
});

/** Networks that between them have every layer, sizes that halve unevenly, both kinds of pictures. */
const descriptions = (): Record<string, ModelDescription> => ({
  article: articleDescription,
  grey: { ...articleDescription, channels: 1, width: 21, height: 25 },
  deep: { ...articleDescription, architecture: 'deep', width: 33, height: 26 },
  valid: ofLayers(22, 17, validLayers()),
  branching: ofLayers(19, 16, branchingLayers('sigmoid')),
  uneven: ofLayers(21, 26, unevenLayers()),
  mobile: ofLayers(21, 18, mobileLayers(['relu6', 'swish', 'sigmoid', 'leakyRelu'])),
  residual: { ...articleDescription, architecture: 'residual', width: 29, height: 36 },
});

/** Means and deviations that differ by channel, crops, and the other filters. */
const normalisedCases = (): [name: string, preprocessing: Network['preprocessing']][] => [
  [
    'ImageNet',
    {
      fit: 'cover',
      scale: 1 / 255,
      order: 'rgb',
      mean: [0.485, 0.456, 0.406],
      deviation: [0.229, 0.224, 0.225],
      crop: 0.875,
      filter: 'bicubic',
    },
  ],
  [
    'Caffe',
    { fit: 'contain', scale: 0.017, order: 'bgr', mean: [1.75, 1.98, 2.1], crop: 0.8, filter: 'bilinear' },
  ],
  [
    'Lite',
    { fit: 'fill', scale: 1, order: 'bgr', mean: [127, 120, 110], deviation: [128, 100, 90], crop: 0.7 },
  ],
];

/** The engine must run. */
export function networkCases(): [name: string, network: Network][] {
  const cases = Object.entries(descriptions()).map(([name, description]): [string, Network] => [
    name,
    networkOf(description),
  ]);
  const opencv = networkOf();
  const ofArticle = (preprocessing: Network['preprocessing']): Network => ({ ...opencv, preprocessing });
  return [
    ...cases,
    ['bgr', ofArticle({ fit: 'fill', scale: 1 / 64, order: 'bgr' })],
    ...normalisedCases().map(([name, preprocessing]): [string, Network] => [name, ofArticle(preprocessing)]),
  ];
}

/** The same, and what TensorFlow.js has no layers for. */
export function networkCasesBeyondTfjs(): [name: string, network: Network][] {
  return [
    ...networkCases(),
    ['hard swish', networkOf(ofLayers(21, 18, mobileLayers(['hardSwish'])))],
    ['hard sigmoid', networkOf(ofLayers(19, 16, branchingLayers('hardSigmoid')))],
    ['grouped', networkOf(ofLayers(19, 22, groupedLayers()))],
  ];
}

export const inside: ExportOptions = { weights: 'float32', preprocessing: 'inside' };
export const outside: ExportOptions = { weights: 'float32', preprocessing: 'outside' };
