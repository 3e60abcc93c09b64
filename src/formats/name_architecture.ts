import type { LayerSummary } from '../model_tools/index.ts';
import { architectureNames } from '../models/index.ts';
import { createModel, type ModelDescription } from '../models/model.ts';
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
  try {
    // Its own values, so that no time goes into random ones where the names are the same.
    const restored = new Map([...weights].map(([name, { values }]) => [name, values]));
    const { layers, dispose } = createModel(description, { restored });
    dispose();
    return layers;
  } catch {
    return [];
  }
}

/**
 * The network under the name of the architecture that it is of, if it is of one. The engine must have been started.
 */
export function nameArchitecture(network: Network): Network {
  const { layers: _, ...model } = network.model;
  const wanted = network.layers.map(shapeOf).join();
  for (const architecture of architectureNames) {
    const description = { ...model, architecture };
    const layers = layersOf(description, network);
    if (layers.map(shapeOf).join() === wanted) return renamed(network, description, layers);
  }
  return network;
}

/** With the layers' and the variables' names that the architecture has for them. */
function renamed(network: Network, model: ModelDescription, layers: LayerSummary[]): Network {
  const weights: Network['weights'] = new Map();
  for (const [index, layer] of layers.entries())
    for (const [place, { name, shape }] of variablesOf(layer).entries()) {
      const imported = variablesOf(network.layers[index] as LayerSummary)[place];
      const values = network.weights.get(imported?.name ?? '')?.values;
      if (values) weights.set(name, { name, shape, values });
    }
  return { ...network, model, layers, weights };
}
