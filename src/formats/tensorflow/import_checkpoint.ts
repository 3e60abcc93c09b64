import { reason, UserError } from '../../errors.ts';
import { damaged, readBounded } from '../files.ts';
import type { ImportHints, Network } from '../format.ts';
import { findCheckpointFiles } from './find_files.ts';
import { networkOfGraph } from './graph_network.ts';
import type { GraphDef } from './messages.ts';
import { metaGraphs } from './protos.ts';

/** A graph takes about a hundred bytes per node; TensorFlow's own limit is 2 GiB. */
const maxMetaBytes = 64 * 2 ** 20;

/**
 * Reads a TensorFlow 1 checkpoint: the graph in .meta describes its network. Unless the graph itself reverses or scales
 * the pictures, they are as OpenCV gives them, as in the article: BGR, 0..255.
 * @param source a folder with one checkpoint, or one of its files.
 * @throws {UserError} where it is damaged, or has operations that bat-sup has no layer for.
 */
export async function importCheckpoint(source: string, hints: ImportHints): Promise<Network> {
  const { meta, prefix } = await findCheckpointFiles(source);
  return networkOfGraph({ graph: await readGraph(meta), prefix, file: meta, order: 'bgr', scale: 1, hints });
}

async function readGraph(meta: string): Promise<GraphDef> {
  const bytes = await readBounded(meta, maxMetaBytes);
  try {
    const { graph_def: graph } = metaGraphs.decode(bytes);
    if (graph) return graph;
  } catch (error) {
    damaged(meta, reason(error));
  }
  throw new UserError(`${meta} holds no graph; export it with its graph, or import another.`);
}
