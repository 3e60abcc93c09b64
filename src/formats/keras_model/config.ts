import type { NetworkBuilder } from '../network_builder.ts';
import type { KerasLayer } from './layer_format.ts';
import type { KerasNetwork } from './read.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** Names of the layers that an argument refers to: Keras 3 writes tensors with a history, possibly in nested lists. */
function* historiesIn(argument: unknown): Generator<string> {
  if (Array.isArray(argument)) for (const one of argument) yield* historiesIn(one);
  else if (isObject(argument) && argument.class_name === '__keras_tensor__')
    yield String((argument.config as { keras_history?: unknown[] })?.keras_history?.[0]);
}

/** Names of a layer's inputs. Keras 3 writes [{ args, kwargs }], earlier versions [[['conv1', 0, 0, {}]]]. */
function inputsOf(nodes: unknown, name: string, builder: NetworkBuilder): string[] {
  if (!Array.isArray(nodes) || nodes.length === 0) return [];
  if (nodes.length > 1) builder.fail(name, 'is used more than once; bat-sup can use each layer only once');
  const [node] = nodes;
  if (Array.isArray(node)) return node.map((one) => String(Array.isArray(one) ? one[0] : one));
  return isObject(node) ? [...historiesIn(node.args)] : [];
}

function readLayer(layer: unknown, builder: NetworkBuilder): Omit<KerasLayer, 'inputs'> & { nodes: unknown } {
  if (!isObject(layer) || !isObject(layer.config))
    builder.fail('the network', 'has a layer without a config');
  const { class_name: className, config, inbound_nodes: nodes } = layer as Json & { config: Json };
  const name = String(layer.name ?? config.name);
  if ('layers' in config) builder.fail(name, 'is a nested model, which bat-sup does not import');
  return { className: String(className), name, config, nodes };
}

function namesOf(ends: unknown): string[] {
  if (!Array.isArray(ends)) return [];
  return Array.isArray(ends[0]) ? ends.map(([name]) => String(name)) : [String(ends[0])];
}

/** In a Sequential model each layer reads the one before; the input's shape may be a setting of the first. */
function readSequential(layers: ReturnType<typeof readLayer>[], config: Json): KerasNetwork {
  const first = layers[0];
  const shape = first?.config.batch_input_shape ?? first?.config.batch_shape ?? config.build_input_shape;
  const input = { className: 'InputLayer', name: ' input', config: { batch_shape: shape }, nodes: [] };
  const all = first?.className === 'InputLayer' ? layers : [input, ...layers];
  return {
    layers: all.map((layer, index) => ({
      ...layer,
      inputs: index === 0 ? [] : [all[index - 1]?.name as string],
    })),
    outputs: [all.at(-1)?.name as string],
  };
}

/**
 * Reads the description of a Sequential or functional network, as Keras 2, Keras 3 and TensorFlow.js write it.
 * @throws {UserError} where it is anything else.
 */
export function readKerasConfig(topology: unknown, builder: NetworkBuilder): KerasNetwork {
  const { class_name: className, config } = (topology ?? {}) as Json;
  // In old versions of Keras, the config of a Sequential model is the list of layers itself.
  const inner = (Array.isArray(config) ? { layers: config } : config) as Json | undefined;
  if (!isObject(inner) || !Array.isArray(inner.layers)) builder.fail('the network', 'has no list of layers');
  const layers = inner.layers.map((layer) => readLayer(layer, builder));
  if (className === 'Sequential') return readSequential(layers, inner);
  if (className !== 'Functional' && className !== 'Model')
    builder.fail('the network', `is a ${className}; bat-sup imports Sequential and Functional models`);
  return {
    layers: layers.map((layer) => ({ ...layer, inputs: inputsOf(layer.nodes, layer.name, builder) })),
    outputs: namesOf(inner.output_layers),
  };
}
