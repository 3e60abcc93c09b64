import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { watch } from 'chokidar';
import { reason, UserError } from '../errors.ts';
import { foundInput, isBelow, type PredictInput } from './inputs.ts';

/** Milliseconds that a file's size must have stayed the same: whoever writes it is done. */
const stillFor = 500;

export interface WatchOptions {
  /** Ends the watching. */
  signal: AbortSignal;
  /** A folder whose files are left out, such as the one that pictures are moved to. */
  except?: string | undefined;
}

/**
 * The pictures of a folder, at any depth: first those that are there, then those that come or are written anew, once they
 * are whole. Hidden files are left out.
 * @returns all that have come since the last were taken, by name.
 * @throws {UserError} where the folder cannot be watched.
 */
export async function* watchFolder(
  folder: string,
  { signal, except }: WatchOptions,
): AsyncGenerator<PredictInput[]> {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    throw new UserError(`${folder} is no folder; make it before it is watched.`);
  const isLeftOut = (file: string) =>
    isBelow(folder, file) &&
    (basename(file).startsWith('.') || (except !== undefined && isBelow(except, file)));
  const watcher = watch(folder, {
    ignored: isLeftOut,
    awaitWriteFinish: { stabilityThreshold: stillFor, pollInterval: stillFor / 5 },
    followSymlinks: false,
  });
  const arrived = new Set<string>();
  const wake = new EventTarget();
  let failure: unknown;
  const tell = () => wake.dispatchEvent(new Event('news'));
  const add = (file: string) => {
    arrived.add(file);
    tell();
  };
  watcher.on('add', add).on('change', add);
  watcher.on('error', (error) => {
    failure = error;
    tell();
  });
  signal.addEventListener('abort', tell);
  try {
    while (!signal.aborted) {
      if (failure) throw new UserError(`${folder} cannot be watched: ${reason(failure)}`);
      if (arrived.size === 0) {
        await once(wake, 'news');
        continue;
      }
      const files = [...arrived].sort();
      arrived.clear();
      yield files.map(foundInput);
    }
  } finally {
    signal.removeEventListener('abort', tell);
    await watcher.close();
  }
}
