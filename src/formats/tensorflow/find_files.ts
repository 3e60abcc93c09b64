import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../errors.ts';
import { readBounded } from '../files.ts';
import { endsAsTable } from './bundle/table.ts';

const maxStateBytes = 2 ** 20;

export interface CheckpointFiles {
  meta: string;
  /** The path before .index and .data-00000-of-00001; its last part may be empty, as the article's is. */
  prefix: string;
}

const fileName = /^(.*)\.(meta|index|data-\d{5}-of-\d{5})$/;

/** The number of steps that TensorFlow adds to a name: 'model.ckpt-300' -> 300. */
const stepOf = (name: string) => Number(/-(\d+)$/.exec(name)?.[1] ?? -1);

const withoutStep = (name: string) => name.replace(/-\d+$/, '');

/** The checkpoint that TensorFlow's file `checkpoint` names as its newest; its folder may have been moved since. */
async function newestByState(folder: string): Promise<string | undefined> {
  const state = await readBounded(join(folder, 'checkpoint'), maxStateBytes).catch(() => '');
  const quoted = /^model_checkpoint_path: "(.*)"/m.exec(String(state))?.[1];
  return quoted?.split(/[\\/]+/).at(-1);
}

/** A folder's checkpoint (the newest of several), or the one that a file belongs to. */
async function chooseCheckpoint(source: string) {
  const isFolder = (await stat(source)).isDirectory();
  const folder = isFolder ? source : dirname(source);
  const files = await readdir(folder);
  const withEnding = (ending: string) =>
    files
      .filter((name) => fileName.exec(name)?.[2] === ending)
      .map((name) => name.slice(0, -ending.length - 1))
      .sort((a, b) => stepOf(b) - stepOf(a));
  const indexes = withEnding('index');
  const wanted = isFolder ? await newestByState(folder) : fileName.exec(basename(source))?.[1];
  const isThere = wanted !== undefined && indexes.includes(wanted);
  return { folder, name: isThere ? wanted : isFolder ? indexes[0] : undefined, metas: withEnding('meta') };
}

/**
 * A checkpoint's files, given its folder (of several checkpoints the newest) or one of the files.
 * @throws {UserError} where the folder holds no checkpoint, or the file is not part of one.
 */
export async function findCheckpointFiles(source: string): Promise<CheckpointFiles> {
  const { folder, name, metas } = await chooseCheckpoint(source);
  if (name === undefined)
    throw new UserError(`${source} is not a TensorFlow checkpoint: it has no .index file.`);
  // Where only the first checkpoint was saved with its graph, the others share it.
  const meta = metas.includes(name) ? name : metas.find((one) => withoutStep(one) === withoutStep(name));
  if (meta === undefined)
    throw new UserError(
      `${source} has no .meta file, which describes the network; save the checkpoint with its graph.`,
    );
  return { meta: join(folder, `${meta}.meta`), prefix: `${folder}/${name}` };
}

/** Whether this is a checkpoint's folder or file: the .index ends as a table does. */
export async function isCheckpoint(source: string): Promise<boolean> {
  const { folder, name } = await chooseCheckpoint(source);
  return name !== undefined && endsAsTable(join(folder, `${name}.index`));
}
