/**
 * Keras's layers as bat-sup has them, for the two formats that describe networks so: Keras's own and TensorFlow.js's.
 * The names and settings are those of keras.io/api/layers.
 */

import { addRelu } from '../layers/activation/formats.ts';
import { addAddition } from '../layers/add/formats.ts';
import { addBatchNorm } from '../layers/batch_norm/formats.ts';
import { addConv } from '../layers/conv/formats.ts';
import { addDropout } from '../layers/dropout/formats.ts';
import { addFlatten } from '../layers/flatten/formats.ts';
import { addFullyConnected } from '../layers/fully_connected/formats.ts';
import { addGlobalAveragePool } from '../layers/global_average_pool/formats.ts';
import type { LayerSummary } from '../layers/index.ts';
import { addMaxPool } from '../layers/pool/formats.ts';
import { addZeroPadding } from '../layers/zero_padding/formats.ts';
import type { Tensor } from '../tensors/tensors.ts';
import { paddingOf, sidesOf } from './interim.ts';
import type { NetworkBuilder, Value } from './network_builder.ts';
import type { Padding } from './windows.ts';

export interface KerasLayer {
  className: string;
  name: string;
  config: Record<string, unknown>;
  /** Names of the layers that it reads. */
  inputs: string[];
}

/** A layer for Keras, and its weights in Keras's order: their names and our variables'. */
export interface WrittenLayer extends KerasLayer {
  weights: { name: string; variable: string }[];
}

type Written = Pick<WrittenLayer, 'className' | 'config' | 'weights'>;

const twice = (length: unknown) => [length, length];
const mapsOf = (layer: LayerSummary) => ({ padding: paddingOf(layer), data_format: 'channels_last' });

function connectionsOf({ variables }: LayerSummary): WrittenLayer['weights'] {
  const names: Record<string, string> = { weights: 'kernel', biases: 'bias' };
  return variables.map(({ name }) => ({ name: names[name.split('/').at(-1) ?? ''] ?? name, variable: name }));
}

const writers: Record<string, (layer: LayerSummary) => Written> = {
  conv(layer) {
    const { kernel, stride } = layer.attributes;
    const weights = connectionsOf(layer);
    const config = {
      filters: layer.outputShape[2],
      kernel_size: twice(kernel),
      strides: twice(stride),
      ...mapsOf(layer),
      activation: 'linear',
      use_bias: weights.length === 2,
    };
    return { className: 'Conv2D', config, weights };
  },
  pool(layer) {
    const { kernel, stride } = layer.attributes;
    const config = { pool_size: twice(kernel), strides: twice(stride), ...mapsOf(layer) };
    return { className: 'MaxPooling2D', config, weights: [] };
  },
  activation: () => ({ className: 'Activation', config: { activation: 'relu' }, weights: [] }),
  flatten: () => ({ className: 'Flatten', config: { data_format: 'channels_last' }, weights: [] }),
  fullyConnected(layer) {
    const weights = connectionsOf(layer);
    const config = { units: layer.outputShape[0], activation: 'linear', use_bias: weights.length === 2 };
    return { className: 'Dense', config, weights };
  },
  batchNorm({ name, attributes: { epsilon } }) {
    const parts = { gamma: 'scale', beta: 'offset', moving_mean: 'mean', moving_variance: 'variance' };
    return {
      className: 'BatchNormalization',
      config: { axis: -1, epsilon, momentum: 0.9, center: true, scale: true },
      weights: Object.entries(parts).map(([theirs, own]) => ({ name: theirs, variable: `${name}/${own}` })),
    };
  },
  add: () => ({ className: 'Add', config: {}, weights: [] }),
  globalAveragePool: () => ({
    className: 'GlobalAveragePooling2D',
    config: { data_format: 'channels_last' },
    weights: [],
  }),
  zeroPadding(layer) {
    const { top, left, bottom, right } = sidesOf(layer);
    const config = {
      padding: [
        [top, bottom],
        [left, right],
      ],
      data_format: 'channels_last',
    };
    return { className: 'ZeroPadding2D', config, weights: [] };
  },
  dropout: ({ attributes: { rate } }) => ({ className: 'Dropout', config: { rate }, weights: [] }),
};

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
  const written = layers.map((layer) => ({
    ...(writers[layer.kind] as (layer: LayerSummary) => Written)(layer),
    name: layer.name.replaceAll('/', '_'),
    inputs: layer.inputs.length === 0 ? [input] : layer.inputs.map((name) => name.replaceAll('/', '_')),
  }));
  return scale === undefined ? written : [rescaling, ...written];
}

/** What reading a layer needs. */
interface Reading {
  builder: NetworkBuilder;
  layer: KerasLayer;
  /** One of its weights by Keras's name, e.g. 'kernel'. */
  weight(name: string): Tensor | undefined;
}

function required({ builder, layer, weight }: Reading, name: string): Tensor {
  return weight(name) ?? builder.fail(layer.name, `has no ${name}`);
}

/** Refuses what is set to another value than bat-sup's layer has; what is not set is at its default. */
function expect({ builder, layer }: Reading, settings: Record<string, unknown[]>): void {
  for (const [name, allowed] of Object.entries(settings)) {
    const value = layer.config[name];
    if (value === undefined || allowed.some((one) => JSON.stringify(one) === JSON.stringify(value))) continue;
    builder.fail(
      layer.name,
      `(${layer.className}) has ${name} ${JSON.stringify(value)}, which bat-sup has not`,
    );
  }
}

const twoOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value, value]);
const pairOf = (value: unknown): number[] => twoOf(value).map(Number);

function paddingIn(reading: Reading): Padding {
  expect(reading, { padding: ['valid', 'same'] });
  return (reading.layer.config.padding ?? 'valid') as Padding;
}

/** Numbers of a list that may lie within others, as [[[0.5, 0.4, 0.3]]]. */
const listOf = (value: unknown): number[] => [value].flat(8).map(Number);

const nameOf = (activation: unknown): unknown =>
  typeof activation === 'object' ? (activation as { config?: unknown } | null)?.config : activation;

function activate({ builder, layer }: Reading, value: Value): Value {
  const activation = nameOf(layer.config.activation) ?? 'linear';
  if (activation === 'linear') return value;
  if (activation === 'relu') return addRelu(builder, value, layer.name);
  if (activation === 'softmax') return builder.softmax(value);
  return builder.fail(layer.name, `has the activation ${JSON.stringify(activation)}, which bat-sup has not`);
}

const channelsLast = { data_format: ['channels_last', null] };

type Reader = (reading: Reading, inputs: [Value, ...Value[]]) => Value;

const readers: Record<string, Reader> = {
  Conv2D(reading, [input]) {
    const { builder, layer, weight } = reading;
    expect(reading, { ...channelsLast, dilation_rate: [[1, 1], 1], groups: [1] });
    const output = addConv(
      builder,
      input,
      {
        kernel: required(reading, 'kernel'),
        biases: weight('bias'),
        strides: pairOf(layer.config.strides ?? 1),
        padding: paddingIn(reading),
      },
      layer.name,
    );
    return activate(reading, output);
  },
  MaxPooling2D(reading, [input]) {
    const { builder, layer } = reading;
    expect(reading, channelsLast);
    const kernel = pairOf(layer.config.pool_size ?? 2);
    const strides = pairOf(layer.config.strides ?? kernel);
    return addMaxPool(builder, input, { kernel, strides, padding: paddingIn(reading) }, layer.name);
  },
  Activation: (reading, [input]) => activate(reading, input),
  ReLU(reading, [input]) {
    expect(reading, { max_value: [null], negative_slope: [0], threshold: [0] });
    return addRelu(reading.builder, input, reading.layer.name);
  },
  Softmax: ({ builder }, [input]) => builder.softmax(input),
  Flatten(reading, [input]) {
    expect(reading, channelsLast);
    return addFlatten(reading.builder, input, 'hwc', reading.layer.name);
  },
  Dense(reading, [input]) {
    const { builder, layer, weight } = reading;
    const weights = { weights: required(reading, 'kernel'), biases: weight('bias') };
    return activate(reading, addFullyConnected(builder, input, weights, layer.name));
  },
  BatchNormalization(reading, [input]) {
    const { builder, layer, weight } = reading;
    // The last axis, however it is counted.
    expect(reading, { axis: [-1, input.shape.length, [-1], [input.shape.length]] });
    const parts = {
      epsilon: Number(layer.config.epsilon ?? 1e-3),
      scale: weight('gamma'),
      offset: weight('beta'),
      mean: required(reading, 'moving_mean'),
      variance: required(reading, 'moving_variance'),
    };
    return addBatchNorm(builder, input, parts, layer.name);
  },
  Add(reading, [one, other, ...rest]) {
    const { builder, layer } = reading;
    if (!other || rest.length > 0) return builder.fail(layer.name, 'adds other than two layers');
    return addAddition(builder, one, other, layer.name);
  },
  GlobalAveragePooling2D(reading, [input]) {
    expect(reading, { ...channelsLast, keepdims: [false] });
    return addGlobalAveragePool(reading.builder, input, reading.layer.name);
  },
  Dropout: ({ builder, layer }, [input]) => addDropout(builder, input, Number(layer.config.rate), layer.name),
  ZeroPadding2D(reading, [input]) {
    expect(reading, channelsLast);
    // One number for all sides, or one for each axis, which may be two: [[top, bottom], [left, right]].
    const [vertical, horizontal] = twoOf(reading.layer.config.padding ?? 1).map(twoOf);
    const [top, bottom] = (vertical ?? []).map(Number);
    const [left, right] = (horizontal ?? []).map(Number);
    return addZeroPadding(
      reading.builder,
      input,
      [top, left, bottom, right].map((side) => side ?? Number.NaN),
      reading.layer.name,
    );
  },
  Rescaling({ builder, layer }, [input]) {
    const [factors, offsets] = [layer.config.scale, layer.config.offset ?? 0].map(listOf) as [
      number[],
      number[],
    ];
    return builder.normalise(input, { factors, offsets }, layer.name);
  },
  Normalization(reading, [input]) {
    const { builder, layer, weight } = reading;
    expect(reading, { axis: [-1, input.shape.length, [-1], [input.shape.length]], invert: [false] });
    const [means, variances] = ['mean', 'variance'].map((name) =>
      layer.config[name]
        ? listOf(layer.config[name])
        : [...required({ builder, layer, weight }, name).values],
    ) as [number[], number[]];
    // Keras's least deviation.
    const factors = variances.map((variance) => 1 / Math.max(Math.sqrt(variance), 1e-7));
    const offsets = means.map((mean, channel) => -mean * (factors[channel] ?? Number.NaN));
    return builder.normalise(input, { factors, offsets }, layer.name);
  },
};

/** Keras's names for a layer's weights, in its order. */
export function weightNames({ className, config }: KerasLayer): string[] {
  if (className === 'Conv2D' || className === 'Dense')
    return config.use_bias === false ? ['kernel'] : ['kernel', 'bias'];
  if (className === 'Normalization') return config.mean ? [] : ['mean', 'variance', 'count'];
  if (className !== 'BatchNormalization') return [];
  const learnt = [config.scale !== false && 'gamma', config.center !== false && 'beta'];
  return [...learnt.filter((name) => name !== false), 'moving_mean', 'moving_variance'];
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
    const reader = Object.hasOwn(readers, layer.className) && readers[layer.className];
    if (!reader) builder.fail(layer.name, `is a ${layer.className}, for which bat-sup has no layer`);
    const [first, ...rest] = layer.inputs.map(outputOf);
    if (!first) builder.fail(layer.name, 'reads nothing');
    const weight = (name: string) => {
      const tensor = weightOf(layer, name);
      if (tensor && taken.has(tensor)) builder.fail(layer.name, `shares its ${name} with another layer`);
      if (tensor) taken.add(tensor);
      return tensor;
    };
    return reader({ builder, layer, weight }, [first, ...rest]);
  }

  if (outputs.length !== 1) builder.fail('the network', `has ${outputs.length} outputs`);
  const answer = outputs[0] as string;
  const needed = neededFor(answer, byName);
  // In the file's order, which is the one in which our layers are numbered.
  for (const { name } of layers) if (needed.has(name)) outputOf(name);
  const output = outputOf(answer);
  return { pictures: pictures ?? builder.fail('the network', 'has no input'), output };
}
