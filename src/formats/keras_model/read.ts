import { allFormats } from '../../layers/formats.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import type { NetworkBuilder, Value } from '../network_builder.ts';
import type { FoundLayer, KerasClass, KerasLayer, Reading } from './layer_format.ts';
import { asLayer, operations } from './operations.ts';
import { patternClasses, recognisePatterns } from './patterns.ts';
import { expect, expectLastAxis, listOf, required } from './reading.ts';

/** Keras's classes that do not become a layer of bat-sup. */
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
      // Keras's lower limit for the standard deviation.
      const factors = valuesOf('variance').map((variance) => 1 / Math.max(Math.sqrt(variance), 1e-7));
      const offsets = means.map((mean, channel) => -mean * (factors[channel] ?? Number.NaN));
      return builder.scaling.normalise(input, { factors, offsets }, layer.name);
    },
  },
};

const shapes: Record<string, KerasClass> = {
  Permute: {
    read({ builder, layer }, [input]) {
      const axes = listOf(layer.config.dims);
      if (axes.every((axis, index) => axis === index + 1)) return input;
      return builder.fail(layer.name, `puts the axes into the order ${axes}; bat-sup keeps them as they are`);
    },
  },
};

/** Layers that bring pictures to a size; where they have it, they change nothing. */
const resizing: KerasClass = {
  read({ builder, layer }, [input]) {
    const { height, width } = layer.config;
    if (input.shape[0] === height && input.shape[1] === width) return input;
    return builder.fail(
      layer.name,
      `brings [${input.shape}] to ${height} x ${width}; give that size with --height and --width, or cut the layer off`,
    );
  },
};

/** Augmentation and regularisation, which change nothing when a model answers. */
const augmentations = [
  'ActivityRegularization',
  'AlphaDropout',
  'AugMix',
  'CutMix',
  'GaussianDropout',
  'GaussianNoise',
  'MixUp',
  'RandAugment',
  'RandomBrightness',
  'RandomColorDegeneration',
  'RandomColorJitter',
  'RandomContrast',
  'RandomElasticTransform',
  'RandomErasing',
  'RandomFlip',
  'RandomGaussianBlur',
  'RandomGrayscale',
  'RandomHeight',
  'RandomHue',
  'RandomInvert',
  'RandomPerspective',
  'RandomRotation',
  'RandomSaturation',
  'RandomSharpness',
  'RandomShear',
  'RandomTranslation',
  'RandomWidth',
  'RandomZoom',
  'Solarization',
  'SpatialDropout2D',
];

const passOn: KerasClass = { read: (_, [input]) => input };
const passing = Object.fromEntries(augmentations.map((name) => [name, passOn]));

const classes = new Map(
  [
    preprocessing,
    shapes,
    operations,
    patternClasses,
    passing,
    ...allFormats.map(({ keras }) => keras.read),
  ].flatMap((all) => Object.entries(all)),
);

const activations = new Map(
  allFormats.flatMap(({ layer, keras }) =>
    Object.entries(keras.activations ?? {}).map(([name, attributes]) => [name, { layer, attributes }]),
  ),
);
const activationsOfKeras3 = new Map(
  allFormats.flatMap(({ layer, keras }) =>
    Object.entries(keras.activationsOfKeras3 ?? {}).map(([name, one]) => [name, { layer, ...one }]),
  ),
);

/** The setting is a name, or an object whose config is the name. */
const nameOf = (activation: unknown): unknown =>
  typeof activation === 'object' ? (activation as { config?: unknown } | null)?.config : activation;

/** A layer given as the activation, as in Conv2D(8, 3, activation=LeakyReLU()). */
function layerIn(activation: unknown) {
  const { class_name: className, config } = (Object(activation) ?? {}) as Record<string, unknown>;
  const kerasClass = typeof className === 'string' ? classes.get(className) : undefined;
  if (!kerasClass || kerasClass.weights || typeof config !== 'object' || config === null) return undefined;
  return { kerasClass, className: className as string, config: config as Record<string, unknown> };
}

/** Applies the setting `activation`, which many of Keras's layers have. */
function activate({ builder, layer, isKeras3 }: Reading, value: Value): Value {
  const { activation } = layer.config;
  const asLayer = layerIn(activation);
  if (asLayer) {
    const reading = { builder, layer: { ...layer, ...asLayer }, isKeras3, weight: () => undefined };
    return asLayer.kerasClass.read(reading, [value]);
  }
  const name = nameOf(activation) ?? 'linear';
  if (name === 'linear') return value;
  if (name === 'softmax') return builder.softmax(value);
  const found = activations.get(String(name));
  if (found) return builder.add(found.layer, [value], found.attributes, {}, layer.name);
  const changed = activationsOfKeras3.get(String(name));
  if (changed && isKeras3 === undefined)
    builder.fail(
      layer.name,
      `has the activation ${JSON.stringify(name)}, which became another function in Keras 3, and the file does not say its version`,
    );
  if (changed) {
    const affine = { factors: [isKeras3 ? 1 : changed.factorBefore], offsets: [0] };
    const input = builder.scaling.normalise(value, affine, layer.name);
    return builder.add(changed.layer, [input], changed.attributes, {}, layer.name);
  }
  return builder.fail(layer.name, `has the activation ${JSON.stringify(name)}, which bat-sup does not have`);
}

/** A layer that does nothing but apply its setting `activation`. */
for (const name of ['Activation', 'Identity']) classes.set(name, passOn);
for (const name of ['CenterCrop', 'RandomCrop', 'Resizing']) classes.set(name, resizing);

/** Weights that layers have or not, as their settings say. */
const optional = ['bias', 'gamma', 'beta'];

/** Keras's names for a layer's weights, in Keras's order. */
export function weightNames({ className, config }: KerasLayer): string[] {
  return classes.get(className)?.weights?.(config) ?? [];
}

export interface KerasNetwork {
  layers: FoundLayer[];
  /** Names of the output layers. */
  outputs: string[];
  /** Keras's version that wrote the file, e.g. '3.0.0'; in a file of TensorFlow.js that of TensorFlow.js; absent: not known. */
  version?: string | undefined;
}

/** Names of the layers that an output depends on. */
function neededFor(output: string, byName: Map<string, FoundLayer>): Set<string> {
  const needed = new Set([output]);
  for (const name of needed) for (const input of byName.get(name)?.inputs ?? []) needed.add(input);
  return needed;
}

/**
 * Adds the layers of a Keras network to a builder.
 * @param weightOf returns a layer's weight by Keras's name for it.
 * @returns the network's input and output.
 */
export function buildFromKeras(
  builder: NetworkBuilder,
  { layers: found, outputs, version = '' }: KerasNetwork,
  weightOf: (layer: FoundLayer, name: string) => Tensor | undefined,
): { pictures: Value; output: Value } {
  const layers = recognisePatterns(found.map(asLayer));
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const values = new Map<string, Value>();
  const beingBuilt = new Set<string>();
  const taken = new Set<Float32Array>();
  const major = version.startsWith('tfjs') ? 0 : Number.parseInt(version, 10);
  const isKeras3 = Number.isNaN(major) ? undefined : major >= 3;
  let pictures: Value | undefined;

  function outputOf(name: string): Value {
    const known = values.get(name);
    if (known) return known;
    const layer = byName.get(name) ?? builder.fail(name, 'is read by another layer, but is missing');
    if (beingBuilt.has(name)) builder.fail(name, 'reads its own output');
    beingBuilt.add(name);
    const value = build(layer);
    values.set(name, value);
    return value;
  }

  function build(layer: FoundLayer): Value {
    if (layer.className === 'InputLayer') {
      if (pictures) builder.fail(layer.name, 'is a second input; a picture classifier has one');
      const shape = layer.config.batch_shape ?? layer.config.batch_input_shape;
      pictures = builder.pictures(layer.name, Array.isArray(shape) ? shape.slice(1) : []);
      return pictures;
    }
    const kerasClass =
      classes.get(layer.className) ??
      builder.fail(layer.name, `is of the class ${layer.className}, for which bat-sup has no layer`);
    const [first, ...rest] = layer.inputs.map(outputOf);
    if (!first) builder.fail(layer.name, 'has no input');
    const names = weightNames(layer);
    const weight = (name: string) => {
      // A file may hold another layer's bias under a name that ends alike.
      if (optional.includes(name) && !names.includes(name)) return undefined;
      const tensor = weightOf(layer, name);
      if (tensor && taken.has(tensor.values))
        builder.fail(layer.name, `shares its ${name} with another layer`);
      if (tensor) taken.add(tensor.values);
      return tensor;
    };
    const reading = { builder, layer, isKeras3, weight };
    return activate(reading, kerasClass.read(reading, [first, ...rest]));
  }

  if (outputs.length !== 1)
    builder.fail('the network', `has ${outputs.length} outputs; a picture classifier has one`);
  const last = outputs[0] as string;
  const needed = neededFor(last, byName);
  // In the file's order, in which bat-sup's layers are then numbered.
  for (const { name } of layers) if (needed.has(name)) outputOf(name);
  const output = outputOf(last);
  return { pictures: pictures ?? builder.fail('the network', 'has no input'), output };
}
