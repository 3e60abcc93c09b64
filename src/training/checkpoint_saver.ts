import {
  type CheckpointInfo,
  type NamedTensor,
  removeOldCheckpoints,
  saveCheckpoint,
} from '../checkpoints/index.ts';
import type { Settings } from '../config/index.ts';

interface Snapshot {
  info: CheckpointInfo;
  weights: NamedTensor[];
  optimizer: NamedTensor[];
}

function allFinite({ weights }: Snapshot): boolean {
  return weights.every(({ values }) => values.every(Number.isFinite));
}

/** Saves in the background while training goes on, one checkpoint at a time. */
export class CheckpointSaver {
  readonly #run: string;
  readonly #settings: Settings;
  readonly #snapshot: () => Snapshot;
  #saving: Promise<void> = Promise.resolve();
  #savedAt = performance.now();

  constructor(run: string, settings: Settings, snapshot: () => Snapshot) {
    this.#run = run;
    this.#settings = settings;
    this.#snapshot = snapshot;
  }

  /** Whether the settings ask for saving after this step, between epochs. */
  isDue(step: number): boolean {
    const { saveEverySteps, saveEveryMinutes } = this.#settings;
    const byStep = saveEverySteps > 0 && step % saveEverySteps === 0;
    const byTime = saveEveryMinutes > 0 && performance.now() - this.#savedAt > saveEveryMinutes * 60_000;
    return byStep || byTime;
  }

  /** Takes a snapshot now and writes it in the background; waits for the one before, so that memory stays bounded. */
  async save(): Promise<void> {
    await this.#saving;
    const snapshot = this.#snapshot();
    // A network that has left the numbers would push the last good checkpoints out.
    if (!allFinite(snapshot)) return;
    this.#savedAt = performance.now();
    this.#saving = this.#write(snapshot);
    this.#saving.catch(() => {}); // thrown by the next save() or finish()
  }

  async #write({ info, weights, optimizer }: Snapshot): Promise<void> {
    await saveCheckpoint(this.#run, info, { weights, optimizer });
    await removeOldCheckpoints(this.#run, this.#settings.keepCheckpoints);
  }

  /** Waits until what was saved is on the disk. @throws {UserError} where it could not be written. */
  finish(): Promise<void> {
    return this.#saving;
  }
}
