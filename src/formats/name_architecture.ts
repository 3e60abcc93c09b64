import * as tf from '@tensorflow/tfjs-core';
import { type LayerSummary, modelTools, Scope, variablesOf } from '../model_tools/index.ts';
import { type ArchitectureName, architectureNames, architectures } from '../models/index.ts';
import type { NamedTensor } from '../tensors/tensors.ts';
import { inDepthOrder } from './depth_order.ts';
import type { Network } from './format.ts';
import { valuesOf } from './network.ts';

/** A layer without names: what it is, and how many layers back those are that it reads. */
function shapeOf(layer: LayerSummary, index: number, layers: LayerSummary[]): string {
  const back = layer.inputs.map((name) => index - layers.findIndex((one) => one.name === name));
  const { kind, inputShape, outputShape, attributes } = layer;
  const variables = variablesOf(layer).map(({ name, shape }) => [name.split('/').at(-1), shape]);
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([kind, back, inputShape, outputShape, sorted, variables]);
}

/** What a layer is, wherever it stands. */
function kindOf({ kind, inputShape, outputShape }: LayerSummary): string {
  return JSON.stringify([kind, inputShape, outputShape]);
}

/**
 * The layers of a named architecture, where it can be made for this description. It is given up at the first layer
 * that the network does not have: one for larger pictures would have weights made that fill the memory.
 */
function layersOf(architecture: ArchitectureName, network: Network): LayerSummary[] {
  const { width, height, channels, classes } = network.model;
  const known = new Set(network.layers.map(kindOf));
  const firstChannels = network.layers.find(({ kind }) => kind === 'conv')?.outputShape.at(-1) ?? 0;
  // Its own values, so that no time goes into random ones where layers are numbered the same.
  for (const values of [valuesOf(network), new Map<string, Float32Array>()]) {
    const scope = new Scope(1, values);
    scope.begin(() => {
      if (!known.has(kindOf(scope.layers.at(-1) as LayerSummary))) throw new Error('of another architecture');
      return undefined;
    });
    const sizes = { channels, classes: classes.length, dropout: 0, firstChannels };
    try {
      tf.tidy(() =>
        architectures[architecture](modelTools(scope), tf.zeros([1, height, width, channels]), sizes),
      );
      return scope.layers;
    } catch {
      // Or under this name are values of another shape, or the pictures are too small.
    } finally {
      scope.dispose();
    }
  }
  return [];
}

/**
 * The network under the name of the architecture that it is of, if it is of one. The engine must have been started.
 */
export function nameArchitecture(network: Network): Network {
  const { layers: _, ...model } = network.model;
  const imported = inDepthOrder(network.layers);
  const wanted = imported.map(shapeOf).join();
  for (const architecture of architectureNames) {
    const description = { ...model, architecture };
    const layers = layersOf(architecture, network);
    if (inDepthOrder(layers).map(shapeOf).join() !== wanted) continue;
    const rename = (tensors: Network['weights']) => renamed(tensors, imported, inDepthOrder(layers));
    const { weights, optimizer } = network;
    return {
      ...network,
      model: description,
      layers,
      weights: rename(weights),
      ...(optimizer && { optimizer: { ...optimizer, m: rename(optimizer.m), v: rename(optimizer.v) } }),
    };
  }
  return network;
}

/** The weights, or moments of them, under the names that the architecture has for them. */
function renamed(
  weights: Network['weights'],
  imported: LayerSummary[],
  layers: LayerSummary[],
): Network['weights'] {
  const pairs = layers.flatMap((layer, index) => {
    const names = variablesOf(imported[index] as LayerSummary).map(({ name }) => name);
    return variablesOf(layer).map(({ name }, place): [string, NamedTensor] => {
      const tensor = weights.get(names[place] as string) as NamedTensor;
      return [name, { ...tensor, name }];
    });
  });
  return new Map(pairs);
}
