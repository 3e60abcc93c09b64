import { formatsOf } from '../../layers/formats.ts';
import type { LayerSummary } from '../../layers/index.ts';
import type { KerasLayer } from './layer_format.ts';

/** A layer for Keras, with Keras's names for its weights, in Keras's order, and the names of our variables. */
export interface WrittenLayer extends KerasLayer {
  weights: { name: string; variable: string }[];
  /** Whether TensorFlow.js cannot load it. */
  isUnknownToTfjs?: true;
}

/**
 * Converts layers to Keras's. The first reads an input layer named 'pictures', which is not part of the result.
 * @param scale of the preprocessing, which then becomes a first layer for pixels of 0..255; undefined: it stays outside.
 */
export function toKerasLayers(layers: LayerSummary[], scale: number | undefined): WrittenLayer[] {
  const input = scale === undefined ? 'pictures' : 'rescaling';
  const rescaling = {
    className: 'Rescaling',
    name: input,
    config: { scale, offset: 0 },
    inputs: ['pictures'],
    weights: [],
  };
  const written = layers.map((layer) => toKeras(layer, input));
  return scale === undefined ? written : [rescaling, ...written];
}

/** Keras does not allow '/' in names. */
const nameOf = (name: string) => name.replaceAll('/', '_');

function toKeras(layer: LayerSummary, input: string): WrittenLayer {
  const { weights = {}, ...written } = formatsOf(layer).keras.write(layer);
  return {
    ...written,
    name: nameOf(layer.name),
    inputs: layer.inputs.length === 0 ? [input] : layer.inputs.map(nameOf),
    weights: Object.entries(weights).map(([name, variable]) => ({
      name,
      variable: `${layer.name}/${variable}`,
    })),
  };
}
