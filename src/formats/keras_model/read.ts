import { allFormats } from '../../layers/formats.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import type { NetworkBuilder, Value } from '../network_builder.ts';
import type { KerasClass, KerasLayer, Reading } from './layer_format.ts';
import { expect, expectLastAxis, required } from './reading.ts';

/** Numbers of a list that may lie within others, as [[[0.5, 0.4, 0.3]]]. */
const listOf = (value: unknown): number[] => [value].flat(8).map(Number);

/** Classes that are not layers of ours. */
const preprocessing: Record<string, KerasClass> = {
  Softmax: { read: ({ builder }, [input]) => builder.softmax(input) },
  Rescaling: {
    read({ builder, layer }, [input]) {
      const { scale, offset = 0 } = layer.config;
      return builder.scaling.normalise(
        input,
        { factors: listOf(scale), offsets: listOf(offset) },
        layer.name,
      );
    },
  },
  Normalization: {
    weights: ({ mean }) => (mean ? [] : ['mean', 'variance', 'count']),
    read(reading, [input]) {
      const { builder, layer } = reading;
      expectLastAxis(reading, input.shape.length);
      expect(reading, { invert: [false] });
      const valuesOf = (name: string) =>
        layer.config[name] ? listOf(layer.config[name]) : [...required(reading, name).values];
      const means = valuesOf('mean');
      // Keras's smallest deviation.
      const factors = valuesOf('variance').map((variance) => 1 / Math.max(Math.sqrt(variance), 1e-7));
      const offsets = means.map((mean, channel) => -mean * (factors[channel] ?? Number.NaN));
      return builder.scaling.normalise(input, { factors, offsets }, layer.name);
    },
  },
};

const classes = new Map(
  [preprocessing, ...allFormats.map(({ keras }) => keras.read)].flatMap((all) => Object.entries(all)),
);

const activations = new Map(
  allFormats.flatMap(({ layer, keras }) =>
    Object.entries(keras.activations ?? {}).map(
      ([name, attributes]) => [name, { layer, attributes }] as const,
    ),
  ),
);

/** A name, or an object that holds it. */
const nameOf = (activation: unknown): unknown =>
  typeof activation === 'object' ? (activation as { config?: unknown } | null)?.config : activation;

/** Applies the setting `activation`, which many of Keras's layers have. */
function activate({ builder, layer }: Reading, value: Value): Value {
  const name = nameOf(layer.config.activation) ?? 'linear';
  if (name === 'linear') return value;
  if (name === 'softmax') return builder.softmax(value);
  const found = activations.get(String(name));
  if (found) return builder.add(found.layer, [value], found.attributes, {}, layer.name);
  return builder.fail(layer.name, `has the activation ${JSON.stringify(name)}, which bat-sup does not have`);
}

/** A layer that is nothing but its setting `activation`. */
classes.set('Activation', { read: (_, [input]) => input });

/** Keras's names for a layer's weights, in its order. */
export function weightNames({ className, config }: KerasLayer): string[] {
  return classes.get(className)?.weights?.(config) ?? [];
}

export interface KerasNetwork {
  layers: KerasLayer[];
  /** Names of the layers that give the answers. */
  outputs: string[];
}

/** The layers that the answer depends on. */
function neededFor(answer: string, byName: Map<string, KerasLayer>): Set<string> {
  const needed = new Set([answer]);
  for (const name of needed) for (const input of byName.get(name)?.inputs ?? []) needed.add(input);
  return needed;
}

/**
 * Puts a network together from Keras's layers.
 * @param weightOf a layer's weight, by the layer's name and Keras's name for it.
 * @returns the pictures that it reads and what it gives.
 */
export function buildFromKeras(
  builder: NetworkBuilder,
  { layers, outputs }: KerasNetwork,
  weightOf: (layer: KerasLayer, name: string) => Tensor | undefined,
): { pictures: Value; output: Value } {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const values = new Map<string, Value>();
  const beingBuilt = new Set<string>();
  const taken = new Set<Tensor>();
  let pictures: Value | undefined;

  function outputOf(name: string): Value {
    const known = values.get(name);
    if (known) return known;
    const layer = byName.get(name) ?? builder.fail(name, 'is read, but is not there');
    if (beingBuilt.has(name)) builder.fail(name, 'reads its own output');
    beingBuilt.add(name);
    const value = build(layer);
    values.set(name, value);
    return value;
  }

  function build(layer: KerasLayer): Value {
    if (layer.className === 'InputLayer') {
      if (pictures) builder.fail(layer.name, 'is a second input');
      const shape = layer.config.batch_shape ?? layer.config.batch_input_shape;
      pictures = builder.pictures(layer.name, Array.isArray(shape) ? shape.slice(1) : []);
      return pictures;
    }
    const theirs =
      classes.get(layer.className) ??
      builder.fail(layer.name, `is a ${layer.className}, for which bat-sup has no layer`);
    const [first, ...rest] = layer.inputs.map(outputOf);
    if (!first) builder.fail(layer.name, 'reads nothing');
    const weight = (name: string) => {
      const tensor = weightOf(layer, name);
      if (tensor && taken.has(tensor)) builder.fail(layer.name, `shares its ${name} with another layer`);
      if (tensor) taken.add(tensor);
      return tensor;
    };
    const reading = { builder, layer, weight };
    return activate(reading, theirs.read(reading, [first, ...rest]));
  }

  if (outputs.length !== 1) builder.fail('the network', `has ${outputs.length} outputs`);
  const answer = outputs[0] as string;
  const needed = neededFor(answer, byName);
  // In the file's order, which is the one in which our layers are numbered.
  for (const { name } of layers) if (needed.has(name)) outputOf(name);
  const output = outputOf(answer);
  return { pictures: pictures ?? builder.fail('the network', 'has no input'), output };
}
