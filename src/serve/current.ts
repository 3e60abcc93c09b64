import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findCheckpoint } from '../checkpoints/find.ts';
import { type Checkpoint, readTemperature, readThresholds, readUnknown } from '../checkpoints/index.ts';
import { foldersIn } from '../checkpoints/scan.ts';
import { reason } from '../errors.ts';
import { loadPredictor } from '../predict/load_predictor.ts';
import type { Predictor } from '../predict/predictor.ts';
import type { Serving } from './serving.ts';

/** Milliseconds between two checks of the folder. */
const interval = 1000;

export interface CurrentOptions {
  /** Path of a checkpoint, a run, or a folder of runs. */
  checkpoint: string;
  which: 'best' | 'newest';
  makeServing(model: Predictor): Serving;
  notice(text: string): void;
  onReload?(result: 'loaded' | 'failed'): void;
}

/** The network that currently answers. */
export interface Current {
  readonly model: Predictor;
  /** Runs `work` with the current network, which stays loaded until the work is done. */
  use<T>(work: (serving: Serving) => Promise<T>): Promise<T>;
  /** Stops looking for newer checkpoints; disposes of the network once nothing uses it. */
  close(): void;
}

async function timeOf(folder: string): Promise<string> {
  return stat(folder).then(
    ({ mtimeMs }) => `${folder} ${mtimeMs}`,
    () => '',
  );
}

/** A text that changes whenever a checkpoint or a run appears or disappears. */
async function stateOf(folder: string): Promise<string> {
  const folders = [folder, ...(await foldersIn(folder)).map((name) => join(folder, name))];
  return (await Promise.all(folders.sort().map(timeOf))).join('\n');
}

type State = Pick<Predictor, 'checkpoint' | 'temperature' | 'thresholds' | 'rejection'>;

const isSame = (a: State, b: State) =>
  a.checkpoint === b.checkpoint &&
  a.temperature === b.temperature &&
  String(a.thresholds) === String(b.thresholds) &&
  a.rejection?.distanceFactor === b.rejection?.distanceFactor &&
  a.rejection?.doubtFactor === b.rejection?.doubtFactor;

/** Whether a checkpoint is the one that is loaded, with the calibration, thresholds and rejection that it has now. */
async function isLoaded(found: Checkpoint, model: Predictor): Promise<boolean> {
  if (found.folder !== model.checkpoint) return false;
  const temperature = await readTemperature(found.folder);
  const thresholds = await readThresholds(found);
  const rejection = (await readUnknown(found))?.rejection;
  const own = { ...(thresholds && { thresholds }), ...(rejection && { rejection }) };
  return isSame({ checkpoint: found.folder, temperature, ...own }, model);
}

/** Counts the users of a network and disposes of it after the last one, once it is retired. */
function hold(serving: Serving) {
  let users = 0;
  let retired = false;
  const disposeIfUnused = () => {
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
        disposeIfUnused();
      }
    },
    retire() {
      retired = true;
      disposeIfUnused();
    },
  };
}

/**
 * Loads the checkpoint that predict would use, and replaces it whenever predict would use another one, as training
 * continues. The new network is loaded beside the old one, which finishes its work. A damaged checkpoint is reported
 * and skipped. The engine must have been started.
 * @throws {UserError} where there is no checkpoint at the start.
 */
export async function openCurrent(options: CurrentOptions): Promise<Current> {
  const { checkpoint, which, makeServing, notice, onReload = () => {} } = options;
  const before = await stateOf(checkpoint);
  let current = hold(makeServing(await loadPredictor(checkpoint, which, notice)));
  // Calibration changes the checkpoint's folder.
  let state = `${before}\n${await timeOf(current.model.checkpoint)}`;
  let closed = false;
  let timer: NodeJS.Timeout;

  async function reload(): Promise<void> {
    const found = await findCheckpoint(checkpoint, which);
    if (await isLoaded(found, current.model)) return;
    const model = await loadPredictor(checkpoint, which, notice);
    if (closed || isSame(model, current.model)) return model.dispose();
    const old = current;
    current = hold(makeServing(model));
    old.retire();
    onReload('loaded');
    notice(`now using ${model.checkpoint}`);
  }

  async function check(): Promise<void> {
    const now = `${await stateOf(checkpoint)}\n${await timeOf(current.model.checkpoint)}`;
    if (now !== state) {
      state = now;
      await reload().catch((error) => {
        onReload('failed');
        notice(`${current.model.checkpoint} remains in use: ${reason(error)}`);
      });
    }
    if (!closed) timer = setTimeout(check, interval).unref();
  }

  timer = setTimeout(check, interval).unref();
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
