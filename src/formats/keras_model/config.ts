import type { NetworkBuilder } from '../network_builder.ts';
import { type Call, callOf, isObject } from './calls.ts';
import { groupNames } from './group_names.ts';
import type { FoundLayer } from './layer_format.ts';
import type { KerasNetwork } from './read.ts';

type Json = Record<string, unknown>;

/** More than any picture classifier has, and few enough that a hostile file cannot exhaust the stack. */
const maxLayers = 3000;
const maxDepth = 20;

/** A layer as the file describes it. */
interface Described {
  className: string;
  name: string;
  config: Json;
  /** What it is called with; nothing in a Sequential model. */
  nodes: unknown;
  /** The model's layers, where it is a model itself. */
  layers: unknown[] | undefined;
}

function describe(layer: unknown, builder: NetworkBuilder): Described {
  if (!isObject(layer) || !isObject(layer.config))
    builder.fail('the network', 'has a layer without a config');
  const { class_name: className, config, inbound_nodes: nodes } = layer as Json & { config: Json };
  // In old versions of Keras, the config of a Sequential model is the list of layers itself.
  const layers = [config, config.layers].find(Array.isArray);
  return { className: String(className), name: String(layer.name ?? config.name), config, nodes, layers };
}

function namesOf(ends: unknown): string[] {
  if (!Array.isArray(ends)) return [];
  return Array.isArray(ends[0]) ? ends.map(([name]) => String(name)) : [String(ends[0])];
}

/** Where a model stands in the network. */
interface Place {
  /** Names of the models around its layers, the outermost first. */
  within: string[];
  /** Their groups in files of weights. */
  groups: string[];
  /** Their setting `trainable`. */
  trainable: boolean[];
  /** What it reads, by the names that the layers have in the network; undefined: the pictures. */
  inputs: string[] | undefined;
}

const pictures = ' pictures';

/** Layers of a Sequential model each read the one before; the first may give the pictures' shape. */
function chained(layers: Described[]): Call[] {
  return layers.map((_, index) => ({
    operands: index === 0 ? [] : [{ layer: layers[index - 1]?.name as string }],
  }));
}

/** The shape of what a Sequential model reads, which may stand in the first of the models within it. */
function inputShapeOf({ config, layers }: Described, builder: NetworkBuilder, depth = 0): unknown {
  const own = config.batch_input_shape ?? config.batch_shape ?? config.build_input_shape;
  if (own || !layers?.length || depth > maxDepth) return own;
  const all = layers.map((layer) => describe(layer, builder));
  const first = all.find(({ className }) => className === 'InputLayer') ?? all[0];
  return first && inputShapeOf(first, builder, depth + 1);
}

/** Takes models within models apart, so that one list of layers is left. */
class Flattener {
  readonly #builder: NetworkBuilder;
  readonly #names = new Set<string>();
  readonly layers: FoundLayer[] = [];

  constructor(builder: NetworkBuilder) {
    this.#builder = builder;
  }

  /** Adds a model's layers. @returns the names of those that give its outputs. */
  add(model: Described, place: Place): string[] {
    const builder = this.#builder;
    const where = place.within.join(' > ') || 'the network';
    if (place.within.length > maxDepth) builder.fail(where, 'has models within models, too many of them');
    const described = (model.layers as unknown[]).map((layer) => describe(layer, builder));
    const isSequential = model.className === 'Sequential';
    if (!isSequential && model.className !== 'Functional' && model.className !== 'Model')
      builder.fail(where, `is a ${model.className}; bat-sup imports Sequential and Functional models`);
    const layers = isSequential ? this.#withInput(described, model) : described;
    const calls = isSequential
      ? chained(layers)
      : layers.map(({ nodes, name }) => callOf(nodes, name, builder));
    const inputNames = isSequential ? [layers[0]?.name as string] : namesOf(model.config.input_layers);
    const groups = groupNames(layers.map(({ className }) => className));
    const idOf = (name: string) => [...place.within, name].join(' > ');
    for (const [index, layer] of layers.entries()) {
      const { operands } = calls[index] as Call;
      const named = operands.map((one) => ('layer' in one ? { layer: idOf(one.layer) } : one));
      const inputs = named.flatMap((one) => ('layer' in one ? [one.layer] : []));
      const inner: Place = {
        within: [...place.within, layer.name],
        groups: [...place.groups, groups[index] as string],
        trainable: [...place.trainable, layer.config.trainable !== false],
        inputs,
      };
      const base = {
        name: idOf(layer.name),
        ownName: layer.name,
        within: place.within,
        groups: inner.groups,
        trainable: inner.trainable,
      };
      if (layer.className === 'InputLayer' && place.inputs) {
        const input = place.inputs[inputNames.indexOf(layer.name)];
        this.#push({ ...base, ...passing, inputs: input === undefined ? [] : [input], operands: [] });
      } else if (layer.layers) {
        const outputs = this.add(layer, inner);
        if (outputs.length !== 1)
          builder.fail(base.name, `is a model with ${outputs.length} outputs; bat-sup supports one`);
        this.#push({ ...base, ...passing, inputs: outputs, operands: [] });
      } else {
        this.#push({ ...base, className: layer.className, config: layer.config, inputs, operands: named });
      }
    }
    const outputs = isSequential
      ? layers.slice(-1).map(({ name }) => name)
      : namesOf(model.config.output_layers);
    return outputs.map(idOf);
  }

  /** A Sequential model's layers, the first of which is its input. */
  #withInput(layers: Described[], model: Described): Described[] {
    if (layers[0]?.className === 'InputLayer') return layers;
    const config = { batch_shape: inputShapeOf(model, this.#builder) };
    return [{ className: 'InputLayer', name: pictures, config, nodes: [], layers: undefined }, ...layers];
  }

  #push(layer: FoundLayer): void {
    if (this.layers.length >= maxLayers)
      this.#builder.fail(layer.name, `is one layer too many; bat-sup reads at most ${maxLayers}`);
    if (this.#names.has(layer.name)) this.#builder.fail(layer.name, 'is the name of two layers');
    this.#names.add(layer.name);
    this.layers.push(layer);
  }
}

/** What stands for a model's input, and for its output. */
const passing = { className: 'Activation', config: {} };

/**
 * Reads the description of a Sequential or functional network, as Keras 2, Keras 3 and TensorFlow.js write it. Models within
 * it are taken apart: their layers are named <model> > <layer>.
 * @throws {UserError} where it is anything else.
 */
export function readKerasConfig(topology: unknown, builder: NetworkBuilder): KerasNetwork {
  const { class_name: className, config } = (topology ?? {}) as Json;
  const layers = isObject(config) ? [config, config.layers].find(Array.isArray) : undefined;
  if (!isObject(config) || !layers) builder.fail('the network', 'has no list of layers');
  const model = { className: String(className), name: '', config, nodes: [], layers };
  const flattener = new Flattener(builder);
  const outputs = flattener.add(model, { within: [], groups: [], trainable: [], inputs: undefined });
  return { layers: flattener.layers, outputs };
}
