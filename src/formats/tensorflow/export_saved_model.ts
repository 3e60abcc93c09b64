import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, syncFolder, writeDurably } from '../../system/files.ts';
import type { ExportOptions, Network } from '../format.ts';
import { metadataKey, metadataOf } from '../metadata.ts';
import { attribute, constant } from './attributes.ts';
import { writeBundle } from './bundle/write.ts';
import { decodeFunction } from './decode_function.ts';
import { Graph } from './graph.ts';
import { addNetwork, addPreprocessing, addVariables, type GraphWeights } from './layer_nodes.ts';
import { dataTypes, type Signature } from './messages.ts';
import { metaGraphOf } from './meta_graph.ts';
import { savedModels } from './protos.ts';

const { float32, int32, int64, string, uint8 } = dataTypes;

/**
 * Writes a SavedModel. Its signatures:
 * - serving_default: `pictures`, uint8 [batch, height, width, channels], RGB or grey;
 * - encoded: `pictures`, the bytes of JPEG, PNG, GIF or BMP files of any size, string [batch].
 * Both return `logits` and `probabilities`, float32 [batch, classes], the names of their classes, `classes`,
 * string [batch, classes], and that of the likeliest, `class`, string [batch]. Where the classes do not exclude each other,
 * the metadata have the probability from which each is answered.
 */
export async function exportSavedModel(
  network: Network,
  target: string,
  { weights }: Pick<ExportOptions, 'weights'>,
): Promise<void> {
  const { width, height, channels, classes } = network.model;
  const graph = new Graph();
  const { variables, values } = addVariables(graph, network, weights);
  const names = graph.constant('classes', constant.texts(classes));
  const metadata = JSON.stringify(metadataOf(network, { scaledInside: true }), null, 2);
  graph.constant(metadataKey, constant.text(metadata));

  const size = [height, width, channels];
  const pictures = graph.placeholder('pictures', uint8, [-1, ...size]);
  const files = graph.placeholder('encoded', string, [-1]);
  const decode = decodeFunction(network);
  const decoded = graph.add('MapDefun', [files], {
    name: 'decoded',
    attributes: {
      f: { func: { name: decode.signature.name } },
      Targuments: attribute.types([string]),
      Tcaptured: attribute.types([]),
      output_types: attribute.types([uint8]),
      output_shapes: attribute.shapes([size]),
    },
  });
  const answer = (pixels: string) => addAnswer(graph, network, { pixels, values, names });
  const signatures = [
    { key: 'serving_default', value: signature([pictures, uint8, [-1, ...size]], answer(pictures), classes) },
    { key: 'encoded', value: signature([files, string, [-1]], answer(decoded), classes) },
  ];

  const metaGraph = metaGraphOf(graph, variables);
  metaGraph.meta_info_def = { tags: ['serve'], tensorflow_version: '1.15.0' };
  metaGraph.signature_def = signatures;
  Object.assign(metaGraph.graph_def as object, { library: { function: [decode] } });

  await makeFolder(join(target, 'variables'));
  await mkdir(join(target, 'assets.extra'));
  await writeDurably(join(target, 'assets.extra', `${metadataKey}.json`), `${metadata}\n`);
  await writeBundle(join(target, 'variables', 'variables'), variables);
  const model = savedModels.encode({ saved_model_schema_version: 1, meta_graphs: [metaGraph] });
  await writeDurably(join(target, 'saved_model.pb'), model);
  await syncFolder(target);
}

/** The nodes that give a signature's outputs. */
interface Answer {
  logits: string;
  probabilities: string;
  classes: string;
  class: string;
}

function addAnswer(
  graph: Graph,
  { model, layers, preprocessing, temperature }: Network,
  { pixels, values, names }: { pixels: string; names: string } & Pick<GraphWeights, 'values'>,
): Answer {
  const floats = graph.cast(pixels, uint8, float32);
  const reversed = preprocessing.order === 'bgr';
  const pictures = addPreprocessing(graph, floats, { preprocessing, reversed });
  const logits = addNetwork(graph, layers, { pictures, values });
  const calibrated = graph.float('RealDiv', [
    logits,
    graph.constant('temperature', constant.float(temperature)),
  ]);
  const likeliest = graph.add('ArgMax', [logits, graph.constant('ArgMax/dimension', constant.integer(1))], {
    attributes: { T: attribute.type(float32), output_type: attribute.type(int64) },
  });
  const text = attribute.type(string);
  return {
    logits,
    probabilities: graph.float(model.isMultiLabel ? 'Sigmoid' : 'Softmax', [calibrated]),
    classes: graph.add('BroadcastTo', [names, graph.float('Shape', [logits])], { attributes: { T: text } }),
    class: graph.add('GatherV2', [names, likeliest, graph.constant('GatherV2/axis', constant.integer(0))], {
      attributes: { Tparams: text, Tindices: attribute.type(int64), Taxis: attribute.type(int32) },
    }),
  };
}

function signature(
  [pictures, type, shape]: [node: string, type: number, shape: number[]],
  answer: Answer,
  { length }: string[],
): Signature {
  const tensor = (key: string, [node, dtype, sizes]: [string, number, number[]]) => ({
    key,
    value: { name: `${node}:0`, dtype, tensor_shape: { dim: sizes.map((size) => ({ size })) } },
  });
  return {
    inputs: [tensor('pictures', [pictures, type, shape])],
    outputs: [
      tensor('logits', [answer.logits, float32, [-1, length]]),
      tensor('probabilities', [answer.probabilities, float32, [-1, length]]),
      tensor('classes', [answer.classes, string, [-1, length]]),
      tensor('class', [answer.class, string, [-1]]),
    ],
    method_name: 'tensorflow/serving/predict',
  };
}
