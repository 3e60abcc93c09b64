import { zipSync } from 'fflate';
import { formatsOf } from '../../layers/formats.ts';
import { packageVersion } from '../../system/version.ts';
import { affineOf, isAllZero, tensorOf } from '../affine.ts';
import type { ExportOptions, Network } from '../format.ts';
import { inputShapesOf } from '../input_shapes.ts';
import { metadataKey, metadataOf } from '../metadata.ts';
import { Graph } from './graph.ts';
import { types, writeModel } from './tables.ts';

const operators = {
  add: { code: 0, version: 1, options: 11 },
  multiply: { code: 18, version: 1, options: 21 },
  logistic: { code: 14, version: 1, options: 0 },
  softmax: { code: 25, version: 1, options: 9 },
  cast: { code: 53, version: 1, options: 37 },
};

/** Writes the model's input. @returns its index, and the index of the tensor that the layers read. */
function writeInput(
  graph: Graph,
  { model, preprocessing }: Network,
  where: ExportOptions['preprocessing'],
): { input: number; read: number } {
  const shape = [model.height, model.width, model.channels];
  if (where === 'outside') {
    const input = graph.tensor({ name: 'pictures', shape: [-1, ...shape], type: types.float32 });
    return { input, read: input };
  }
  const input = graph.tensor({ name: 'pictures', shape: [-1, ...shape], type: types.uint8 });
  const cast = [
    { slot: 0, int8: types.uint8 },
    { slot: 1, int8: types.float32 },
  ];
  const pixels = graph.add(operators.cast, [input], 'pixels', shape, cast);
  const { factors, offsets } = affineOf(preprocessing);
  const factor = graph.constant('scale', tensorOf(factors));
  const scaled = graph.add(operators.multiply, [pixels, factor], 'scaled', shape);
  if (isAllZero(offsets)) return { input, read: scaled };
  const offset = graph.constant('offset', tensorOf(offsets));
  return { input, read: graph.add(operators.add, [scaled, offset], 'normalised', shape) };
}

/**
 * Writes a network as a LiteRT (TensorFlow Lite) model with the input 'pictures' and the outputs 'logits' and
 * 'probabilities', both [batch, classes].
 * @returns the model, and after it, as in LiteRT's own metadata, a zip with the class names and bat-sup's metadata.
 */
export function encodeTflite(network: Network, { weights, preprocessing }: ExportOptions): Uint8Array[] {
  const { model, layers, temperature } = network;
  const graph = new Graph(weights);
  const { input, read } = writeInput(graph, network, preprocessing);
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const outputs = new Map<string, number>();
  for (const layer of layers) {
    const inputs = layer.inputs.map((name) => outputs.get(name) as number);
    const output = formatsOf(layer).tflite.write({
      graph,
      layer,
      inputs: inputs.length > 0 ? inputs : [read],
      inputShapes: inputShapesOf(layer, byName),
      variable: (name) => network.weights.get(`${layer.name}/${name}`),
    });
    outputs.set(layer.name, output);
  }
  const logits = outputs.get(layers.at(-1)?.name ?? '') as number;
  const sharpness = [{ slot: 0, float32: 1 / temperature }];
  const outputShape = [model.classes.length];
  const probabilities = model.isMultiLabel
    ? graph.add(operators.logistic, [logits], 'probabilities', outputShape)
    : graph.add(operators.softmax, [logits], 'probabilities', outputShape, sharpness);
  const metadata = metadataOf(network, { scaledInside: preprocessing === 'inside' });
  const data = writeModel({
    description: `bat-sup ${packageVersion()}: ${model.classes.join(', ')}; takes ${metadata.input.description}`,
    tensors: graph.tensors,
    operators: graph.operators,
    input,
    outputs: { logits, probabilities },
  });
  const files = {
    'labels.txt': Buffer.from(`${model.classes.join('\n')}\n`),
    [`${metadataKey}.json`]: Buffer.from(JSON.stringify(metadata)),
  };
  return [data, zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) })];
}
