import { type LayerSummary, variablesOf } from '../layers/index.ts';
import { type ArchitectureName, architectureNames } from '../models/index.ts';
import { planArchitecture } from '../models/plan.ts';
import type { NamedTensor } from '../tensors/tensors.ts';
import type { Network } from './format.ts';
import { inDepthOrder } from './keras_model/depth_order.ts';

/** A layer described without names: its kind, shapes and attributes, and how many layers back its inputs are. */
function fingerprint(layer: LayerSummary, index: number, layers: LayerSummary[]): string {
  const back = layer.inputs.map((name) => index - layers.findIndex((one) => one.name === name));
  const { kind, inputShape, outputShape, attributes } = layer;
  const variables = variablesOf(layer).map(({ name, shape }) => [name.split('/').at(-1), shape]);
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([kind, back, inputShape, outputShape, sorted, variables]);
}

/** The layers of a named architecture, where it can be planned for this description. */
function layersOf(architecture: ArchitectureName, { model, layers }: Network): LayerSummary[] {
  const firstChannels = layers.find(({ kind }) => kind === 'conv')?.outputShape.at(-1);
  try {
    return planArchitecture(architecture, model, firstChannels).layers;
  } catch {
    return []; // The pictures are too small for it.
  }
}

/** Names an imported network, its layers and variables after the architecture that it equals; unchanged if there is none. */
export function nameArchitecture(network: Network): Network {
  const { layers: _, ...model } = network.model;
  const imported = inDepthOrder(network.layers);
  const wanted = imported.map(fingerprint).join();
  for (const architecture of architectureNames) {
    const layers = layersOf(architecture, network);
    const description = { ...model, architecture, layers };
    if (inDepthOrder(layers).map(fingerprint).join() !== wanted) continue;
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

/** Weights, or Adam's moments of them, under the architecture's variable names. */
function renamed(
  weights: Network['weights'],
  imported: LayerSummary[],
  layers: LayerSummary[],
): Network['weights'] {
  const pairs = layers.flatMap((layer, index) => {
    const names = variablesOf(imported[index] as LayerSummary).map(({ name }) => name);
    return variablesOf(layer).map(({ name }, position): [string, NamedTensor] => {
      const tensor = weights.get(names[position] as string) as NamedTensor;
      return [name, { ...tensor, name }];
    });
  });
  return new Map(pairs);
}
