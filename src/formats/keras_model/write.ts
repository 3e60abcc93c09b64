import { formatsOf } from '../../layers/formats.ts';
import type { LayerSummary } from '../../layers/index.ts';
import type { KerasLayer } from './layer_format.ts';

/** A layer for Keras, and its weights in Keras's order: their names and our variables'. */
export interface WrittenLayer extends KerasLayer {
  weights: { name: string; variable: string }[];
  /** Whether TensorFlow.js cannot load it. */
  isUnknownToTfjs?: true;
}

/**
 * A network as Keras's layers, from the input named 'pictures' on; with the preprocessing inside, pixels 0..255 are
 * its input.
 * @param scale of the pixels, where the preprocessing is inside.
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

/** Keras's names have no '/'. */
const nameOf = (name: string) => name.replaceAll('/', '_');

function toKeras(layer: LayerSummary, input: string): WrittenLayer {
  const { weights = {}, ...written } = formatsOf(layer).keras.write(layer);
  return {
    ...written,
    name: nameOf(layer.name),
    inputs: layer.inputs.length === 0 ? [input] : layer.inputs.map(nameOf),
    weights: Object.entries(weights).map(([name, own]) => ({ name, variable: `${layer.name}/${own}` })),
  };
}
