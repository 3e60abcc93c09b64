import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findCheckpoint, foldersIn } from '../checkpoints/find.ts';
import { readTemperature } from '../checkpoints/index.ts';
import { reason } from '../errors.ts';
import { loadPredictor } from '../predict/load_predictor.ts';
import type { Predictor } from '../predict/predictor.ts';
import type { Serving } from './serving.ts';

/** Milliseconds between two looks at the folder. */
const interval = 1000;

export interface CurrentOptions {
  /** A checkpoint, a run, or a folder of runs. */
  place: string;
  which: 'best' | 'newest';
  makeServing(model: Predictor): Serving;
  notice(text: string): void;
  onReload?(result: 'loaded' | 'failed'): void;
}

/** The network that answers just now. */
export interface Current {
  readonly model: Predictor;
  /** Work with the network of now, which stays until the work is done. */
  use<T>(work: (serving: Serving) => Promise<T>): Promise<T>;
  /** Looks no more for others; the network goes once nobody uses it. */
  close(): void;
}

async function timeOf(folder: string): Promise<string> {
  return stat(folder).then(
    ({ mtimeMs }) => `${folder} ${mtimeMs}`,
    () => '',
  );
}

/** Changes whenever a checkpoint or a run comes or goes. */
async function stateOf(place: string): Promise<string> {
  const folders = [place, ...(await foldersIn(place)).map((name) => join(place, name))];
  return (await Promise.all(folders.sort().map(timeOf))).join('\n');
}

/** Whether a checkpoint is the one that answers, calibrated as it is now. */
async function isAnswering(folder: string, model: Predictor): Promise<boolean> {
  return folder === model.checkpoint && (await readTemperature(folder)) === model.temperature;
}

function hold(serving: Serving) {
  let users = 0;
  let retired = false;
  const disposeWhereUnused = () => {
    if (retired && users === 0) serving.model.dispose();
  };
  return {
    model: serving.model,
    async use<T>(work: (serving: Serving) => Promise<T>): Promise<T> {
      users++;
      try {
        return await work(serving);
      } finally {
        users--;
        disposeWhereUnused();
      }
    },
    retire() {
      retired = true;
      disposeWhereUnused();
    },
  };
}

/**
 * Loads the checkpoint that predict would take, and every other one that it would take later, as a training goes on: the
 * new network is loaded beside the old one, which finishes what it has begun. A damaged one is told of and left.
 * The engine must have been started.
 * @throws {UserError} where there is no checkpoint to begin with.
 */
export async function openCurrent(options: CurrentOptions): Promise<Current> {
  const { place, which, makeServing, notice, onReload = () => {} } = options;
  const before = await stateOf(place);
  let current = hold(makeServing(await loadPredictor(place, which, notice)));
  // The checkpoint's folder changes as it is calibrated.
  let state = `${before}\n${await timeOf(current.model.checkpoint)}`;
  let closed = false;
  let timer: NodeJS.Timeout;

  async function reload(): Promise<void> {
    const found = await findCheckpoint(place, which);
    if (await isAnswering(found.folder, current.model)) return;
    const model = await loadPredictor(place, which, notice);
    if (closed || (await isAnswering(model.checkpoint, current.model))) return model.dispose();
    const old = current;
    current = hold(makeServing(model));
    old.retire();
    onReload('loaded');
    notice(`now answering: ${model.checkpoint}`);
  }

  async function look(): Promise<void> {
    const now = `${await stateOf(place)}\n${await timeOf(current.model.checkpoint)}`;
    if (now !== state) {
      state = now;
      await reload().catch((error) => {
        onReload('failed');
        notice(`${current.model.checkpoint} goes on answering: ${reason(error)}`);
      });
    }
    if (!closed) timer = setTimeout(look, interval).unref();
  }

  timer = setTimeout(look, interval).unref();
  return {
    get model() {
      return current.model;
    },
    use: (work) => current.use(work),
    close() {
      closed = true;
      clearTimeout(timer);
      current.retire();
    },
  };
}
