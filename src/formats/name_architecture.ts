import type { NamedTensor } from '../checkpoints/index.ts';
import type { LayerSummary } from '../model_tools/index.ts';
import { architectureNames } from '../models/index.ts';
import { createModel, type ModelDescription } from '../models/model.ts';
import { inDepthOrder } from './depth_order.ts';
import type { Network } from './format.ts';
import { variablesOf } from './variables.ts';

/** A layer without names: what it is, and how many layers back those are that it reads. */
function shapeOf(layer: LayerSummary, index: number, layers: LayerSummary[]): string {
  const back = layer.inputs.map((name) => index - layers.findIndex((one) => one.name === name));
  const { kind, inputShape, outputShape, attributes } = layer;
  const variables = variablesOf(layer).map(({ name, shape }) => [name.split('/').at(-1), shape]);
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([kind, back, inputShape, outputShape, sorted, variables]);
}

/** The layers of a named architecture, where it can be made for this description. */
function layersOf(description: ModelDescription, { weights }: Network): LayerSummary[] {
  // Its own values, so that no time goes into random ones where layers are numbered the same.
  const restored = new Map([...weights].map(([name, { values }]) => [name, values]));
  for (const values of [restored, new Map<string, Float32Array>()]) {
    try {
      const { layers, dispose } = createModel(description, { restored: values });
      dispose();
      return layers;
    } catch {
      // Under this name are values of another shape, or the pictures are too small.
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
    const layers = layersOf(description, network);
    if (inDepthOrder(layers).map(shapeOf).join() === wanted)
      return {
        ...network,
        model: description,
        layers,
        weights: renamed(network, imported, inDepthOrder(layers)),
      };
  }
  return network;
}

/** The weights under the names that the architecture has for them. */
function renamed({ weights }: Network, imported: LayerSummary[], layers: LayerSummary[]): Network['weights'] {
  const pairs = layers.flatMap((layer, index) => {
    const names = variablesOf(imported[index] as LayerSummary).map(({ name }) => name);
    return variablesOf(layer).map(({ name }, place): [string, NamedTensor] => {
      const tensor = weights.get(names[place] as string) as NamedTensor;
      return [name, { ...tensor, name }];
    });
  });
  return new Map(pairs);
}
