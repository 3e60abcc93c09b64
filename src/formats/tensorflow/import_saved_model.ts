import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { reason, UserError } from '../../errors.ts';
import { damaged, readBounded } from '../files.ts';
import type { ImportHints, Network } from '../format.ts';
import { networkOfGraph } from './graph_network.ts';
import type { GraphDef } from './messages.ts';
import { savedModels } from './protos.ts';

/** It holds graphs alone; the variables are in files of their own. */
const maxBytes = 64 * 2 ** 20;

/** A SavedModel's saved_model.pb, given its folder or itself. */
export async function savedModelFile(source: string): Promise<string> {
  return (await stat(source)).isDirectory() ? join(source, 'saved_model.pb') : source;
}

/**
 * Reads a SavedModel of TensorFlow 1 or 2: the graph that serves describes its network. Its pictures are RGB, and scaled
 * as bat-sup scales them unless the graph does.
 * @throws {UserError} where it is damaged, or has operations that bat-sup has no layer for.
 */
export async function importSavedModel(source: string, hints: ImportHints): Promise<Network> {
  const file = await savedModelFile(source);
  const prefix = join(dirname(file), 'variables', 'variables');
  return networkOfGraph({ graph: await readGraph(file), prefix, file, order: 'rgb', hints });
}

async function readGraph(file: string): Promise<GraphDef> {
  const bytes = await readBounded(file, maxBytes);
  try {
    const { meta_graphs: all } = savedModels.decode(bytes);
    const serving = all.find(({ meta_info_def: info }) => info?.tags.includes('serve')) ?? all[0];
    if (serving?.graph_def) return serving.graph_def;
  } catch (error) {
    damaged(file, reason(error));
  }
  throw new UserError(`${file} holds no graph; import another.`);
}
