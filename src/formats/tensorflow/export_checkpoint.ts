import { join } from 'node:path';
import { makeFolder, syncFolder, writeDurably } from '../../system/files.ts';
import type { ExportOptions, Network } from '../format.ts';
import { metadataKey, metadataOf } from '../metadata.ts';
import { constant } from './attributes.ts';
import { writeBundle } from './bundle/write.ts';
import { Graph } from './graph.ts';
import { addNetwork, addPreprocessing, addVariables } from './layer_nodes.ts';
import { dataTypes } from './messages.ts';
import { metaGraphOf } from './meta_graph.ts';
import { metaGraphs } from './protos.ts';

/**
 * Writes a folder that tf.train.import_meta_graph and Saver.restore of TensorFlow 1 load, with the names of the
 * article's: Placeholder takes pixels 0..255 in OpenCV's order of colours, as cv2.imread gives them, float32
 * [batch, height, width, channels]; Placeholder_1 the labels, one-hot [batch, classes], which nothing reads yet;
 * the logits [batch, classes] are add_4 of the article's network, and the node `logits` of every network.
 */
export async function exportCheckpoint(
  network: Network,
  target: string,
  { weights }: Pick<ExportOptions, 'weights'>,
): Promise<void> {
  const { width, height, channels, classes } = network.model;
  const graph = new Graph();
  const pixels = graph.placeholder('Placeholder', dataTypes.float32, [-1, height, width, channels]);
  graph.placeholder('Placeholder', dataTypes.float32, [-1, classes.length]);
  const { preprocessing } = network;
  const reversed = channels === 3 && preprocessing.order !== 'bgr';
  const { variables, values } = addVariables(graph, network, weights);
  const pictures = addPreprocessing(graph, pixels, { preprocessing, reversed });
  const logits = addNetwork(graph, network.layers, { pictures, values });
  graph.float('Identity', [logits], { name: 'logits' });
  graph.constant('classes', constant.texts(classes));
  const metadata = JSON.stringify(metadataOf(network, { scaledInside: true, order: 'BGR' }), null, 2);
  graph.constant(metadataKey, constant.text(metadata));

  await makeFolder(target);
  const prefix = join(target, 'model');
  await writeBundle(prefix, variables);
  await writeDurably(`${prefix}.meta`, metaGraphs.encode(metaGraphOf(graph, variables)));
  const state = 'model_checkpoint_path: "model"\nall_model_checkpoint_paths: "model"\n';
  await writeDurably(join(target, 'checkpoint'), state);
  await writeDurably(join(target, `${metadataKey}.json`), `${metadata}\n`);
  await syncFolder(target);
}
