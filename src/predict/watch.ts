import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { watch } from 'chokidar';
import { reason, UserError } from '../errors.ts';
import { foundInput, isBelow, type PredictInput } from './inputs.ts';

/** A file is complete when its size has not changed for this many milliseconds. */
const stableFor = 500;

export interface WatchOptions {
  /** Ends watching. */
  signal: AbortSignal;
  /** A folder whose files are left out, such as the one to which pictures are moved. */
  except?: string | undefined;
}

/**
 * The pictures of a folder, at any depth: first the present ones, then new or rewritten ones as soon as they are complete.
 * Hidden files are left out.
 * @returns groups of pictures that arrived since the last group, sorted by name.
 * @throws {UserError} where the folder cannot be watched.
 */
export async function* watchFolder(
  folder: string,
  { signal, except }: WatchOptions,
): AsyncGenerator<PredictInput[]> {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    throw new UserError(`${folder} is not a folder; make it before it is watched.`);
  const isLeftOut = (file: string) =>
    isBelow(folder, file) &&
    (basename(file).startsWith('.') || (except !== undefined && isBelow(except, file)));
  const watcher = watch(folder, {
    ignored: isLeftOut,
    awaitWriteFinish: { stabilityThreshold: stableFor, pollInterval: stableFor / 5 },
    followSymlinks: false,
  });
  const arrived = new Set<string>();
  const wake = new EventTarget();
  let failure: unknown;
  const wakeUp = () => wake.dispatchEvent(new Event('news'));
  const add = (file: string) => {
    arrived.add(file);
    wakeUp();
  };
  watcher.on('add', add).on('change', add);
  watcher.on('error', (error) => {
    failure = error;
    wakeUp();
  });
  signal.addEventListener('abort', wakeUp);
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
    signal.removeEventListener('abort', wakeUp);
    await watcher.close();
  }
}
