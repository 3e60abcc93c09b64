import { UserError } from '../../errors.ts';
import { formatsOf } from '../../layers/formats.ts';
import { packageVersion } from '../../system/version.ts';
import { sizeOf } from '../../tensors/shape.ts';
import { affineOf, isAllZero, tensorOf } from '../affine.ts';
import { flattenedMaps } from '../flattened_maps.ts';
import type { ExportOptions, Network } from '../format.ts';
import { inputShapesOf } from '../input_shapes.ts';
import { type Input, metadataKey, metadataOf } from '../metadata.ts';

import { Graph } from './graph.ts';
import { dataTypes, models, type ValueInfoMessage } from './protos.ts';

/** From 2022: every ONNX Runtime since 1.12 reads it, and it has DequantizeLinear with one scale per channel. */
const operatorSet = 17;
const irVersion = 8;
/** The largest protocol buffer. */
const maxBytes = 2 ** 31 - 1;

function valueInfo(name: string, type: number, dims: (string | number)[], text: string): ValueInfoMessage {
  const dim = dims.map((one) => (typeof one === 'number' ? { dim_value: one } : { dim_param: one }));
  return { name, type: { tensor_type: { elem_type: type, shape: { dim } } }, doc_string: text };
}

/** Writes the graph's input. @returns it, and the name of what the layers read: [batch, channels, height, width]. */
function writeInput(
  graph: Graph,
  { model, preprocessing }: Network,
  { scaledInside, description }: Input,
): { input: ValueInfoMessage; read: string } {
  const { width, height, channels } = model;
  if (!scaledInside) {
    const dims = ['batch', channels, height, width];
    return { input: valueInfo('pictures', dataTypes.float32, dims, description), read: 'pictures' };
  }
  const floats = graph.add('Cast', ['pictures'], 'pixels', { to: dataTypes.float32 });
  const { factors, offsets } = affineOf(preprocessing);
  const scaled = graph.add('Mul', [floats, graph.constant('scale', tensorOf(factors))], 'scaled');
  const normalised = isAllZero(offsets)
    ? scaled
    : graph.add('Add', [scaled, graph.constant('offset', tensorOf(offsets))], 'normalised');
  const read = graph.add('Transpose', [normalised], 'maps', { perm: [0, 3, 1, 2] });
  const dims = ['batch', height, width, channels];
  return { input: valueInfo('pictures', dataTypes.uint8, dims, description), read };
}

/** Writes the probabilities, the same as those of predict: sigmoids, or a calibrated softmax. */
function writeProbabilities(graph: Graph, logits: string, { model, temperature }: Network): string {
  if (model.isMultiLabel) return graph.add('Sigmoid', [logits], 'probabilities');
  const divisor = graph.constant('temperature', { shape: [], values: Float32Array.of(temperature) });
  const calibrated = graph.add('Div', [logits, divisor], 'calibrated');
  return graph.add('Softmax', [calibrated], 'probabilities', { axis: 1 });
}

/**
 * Writes a network as an ONNX model with the input 'pictures' and the outputs 'logits' and 'probabilities', both
 * [batch, classes].
 * @throws {UserError} where it is larger than a protocol buffer can be.
 */
export function encodeOnnx(network: Network, { weights, preprocessing }: ExportOptions): Uint8Array {
  const { model, layers, temperature } = network;
  const stored = [...network.weights.values()].reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  if (stored > maxBytes - 2 ** 20)
    throw new UserError(
      'The network is larger than the 2 GiB that an ONNX file can hold; use --format safetensors.',
    );
  const graph = new Graph(weights);
  const metadata = metadataOf(network, { scaledInside: preprocessing === 'inside' });
  const { input, read } = writeInput(graph, network, metadata.input);
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  for (const layer of layers)
    formatsOf(layer).onnx.write({
      graph,
      layer,
      inputs: layer.inputs.length > 0 ? layer.inputs : [read],
      inputShapes: inputShapesOf(layer, byName),
      variable: (name) => network.weights.get(`${layer.name}/${name}`),
      maps: flattenedMaps(layer, byName),
    });
  const last = layers.at(-1)?.name as string;
  const logits = last === 'logits' ? last : graph.add('Identity', [last], 'logits');
  const probabilities = writeProbabilities(graph, logits, network);
  const dims = ['batch', model.classes.length];
  const classes = model.classes.join(', ');
  const formula = model.isMultiLabel ? 'sigmoid(logits)' : `softmax(logits / ${temperature})`;
  return models.encode({
    ir_version: irVersion,
    producer_name: 'bat-sup',
    producer_version: packageVersion(),
    doc_string: `A picture classifier: ${classes}`,
    graph: {
      name: model.architecture,
      node: graph.node,
      initializer: graph.initializer,
      input: [input],
      output: [
        valueInfo(logits, dataTypes.float32, dims, `one for each of ${classes}`),
        valueInfo(probabilities, dataTypes.float32, dims, formula),
      ],
    },
    opset_import: [{ domain: '', version: operatorSet }],
    metadata_props: [{ key: metadataKey, value: JSON.stringify(metadata) }],
  });
}
