import { UserError } from '../../errors.ts';
import { formatsOf } from '../../layers/formats.ts';
import type { LayerSummary } from '../../layers/index.ts';
import type { Affine } from '../affine.ts';
import type { KerasLayer, Lacking } from './layer_format.ts';

/** A layer for Keras, with Keras's names for its weights, in Keras's order, and the names of our variables. */
export interface WrittenLayer extends KerasLayer {
  weights: { name: string; variable: string }[];
  lacking?: Lacking;
  inTfjs?: (layer: KerasLayer) => KerasLayer[];
}

/**
 * Converts layers to Keras's. The first reads an input layer named 'pictures', which is not part of the result.
 * @param affine what a first layer for pixels of 0..255 does to them; undefined: there is none.
 */
export function toKerasLayers(layers: LayerSummary[], affine: Affine | undefined): WrittenLayer[] {
  const input = affine === undefined ? 'pictures' : 'rescaling';
  const value = (values: number[]) => (values.length === 1 ? values[0] : values);
  const rescaling = {
    className: 'Rescaling',
    name: input,
    config: { scale: value(affine?.factors ?? [1]), offset: value(affine?.offsets ?? [0]) },
    inputs: ['pictures'],
    weights: [],
  };
  const written = layers.map((layer) => toKeras(layer, input));
  return affine === undefined ? written : [rescaling, ...written];
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

const libraries = { keras: 'Keras', tfjs: 'TensorFlow.js' };

/** @throws {UserError} where the network has a layer that the format's library lacks. */
export function refuseLackingLayers(layers: LayerSummary[], format: keyof Lacking): void {
  const layer = toKerasLayers(layers, undefined).find(({ lacking }) => lacking?.[format] !== undefined);
  if (layer)
    throw new UserError(
      `The network cannot be exported as ${format}: ${libraries[format]} has no ${layer.lacking?.[format]}, ` +
        `which ${layer.name} needs; use --format onnx or saved-model.`,
    );
}
