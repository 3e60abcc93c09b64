import * as tf from '@tensorflow/tfjs-core';
import type { ExportOptions, Network } from '../../src/formats/index.ts';
import { type LayerSummary, modelTools, Scope } from '../../src/layers/index.ts';
import type { ModelDescription } from '../../src/models/model.ts';
import { articleDescription, networkOf } from './network.ts';

/** Zeros on uneven sides, then convolution and pooling without padding, whose last rows and columns no window reaches. */
function validLayers(): LayerSummary[] {
  const scope = new Scope();
  const tools = modelTools(scope);
  const padding = 'valid';
  tf.tidy(() => {
    const options = { kernel: 3, inputChannels: 3, outputChannels: 5, stride: 2, padding } as const;
    const padded = tools.zeroPaddingLayer(tf.zeros([1, 22, 17, 3]), { top: 1, left: 2, bottom: 3, right: 0 });
    const maps = tools.activationLayer(tools.convLayer(padded, options));
    const { layer, size } = tools.flatteningLayer(
      tools.poolingLayer(maps, { kernel: 3, stride: 2, padding }),
    );
    tools.fullyConnectedLayer(layer, { inputs: size, outputs: 2 });
  });
  scope.dispose();
  return scope.layers;
}

/** Networks that between them have every layer, sizes that halve unevenly, both kinds of pictures. */
const descriptions = (): Record<string, ModelDescription> => ({
  article: articleDescription,
  grey: { ...articleDescription, channels: 1, width: 21, height: 25 },
  deep: { ...articleDescription, architecture: 'deep', width: 33, height: 26 },
  valid: {
    architecture: 'layers',
    width: 17,
    height: 22,
    channels: 3,
    classes: ['one', 'two'],
    layers: validLayers(),
  },
  residual: { ...articleDescription, architecture: 'residual', width: 29, height: 36 },
});

/** The engine must run. */
export function networkCases(): [name: string, network: Network][] {
  const cases = Object.entries(descriptions()).map(([name, description]): [string, Network] => [
    name,
    networkOf(description),
  ]);
  const opencv = networkOf();
  return [...cases, ['bgr', { ...opencv, preprocessing: { fit: 'fill', scale: 1 / 64, order: 'bgr' } }]];
}

export const inside: ExportOptions = { weights: 'float32', preprocessing: 'inside' };
export const outside: ExportOptions = { weights: 'float32', preprocessing: 'outside' };
