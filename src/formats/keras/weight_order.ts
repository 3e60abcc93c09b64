import type { FoundLayer } from '../keras_model/layer_format.ts';
import { weightNames } from '../keras_model/read.ts';

/** Keras's names for weights that are not trained, whatever the layer's setting `trainable`. */
const untrained = ['moving_mean', 'moving_variance', 'mean', 'variance', 'count'];

/** A weight of a layer: the layer's name in the network, and Keras's name for the weight. */
export interface Weight {
  layer: string;
  name: string;
}

/**
 * The weights of some layers in Keras's order for a model's: first those that are trained, then the others, so that it
 * depends on what is frozen.
 */
export function inKerasOrder(layers: FoundLayer[]): Weight[] {
  const all = layers.flatMap((layer) =>
    weightNames(layer).map((name) => ({
      layer: layer.name,
      name,
      isTrained: layer.isTrainable && !untrained.includes(name),
    })),
  );
  return [...all.filter(({ isTrained }) => isTrained), ...all.filter(({ isTrained }) => !isTrained)];
}
