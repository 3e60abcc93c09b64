import type * as tf from '@tensorflow/tfjs-core';
import { Piscina } from 'piscina';
import type { CheckpointInfo, NamedTensor } from '../checkpoints/index.ts';
import type { SaveJob } from '../checkpoints/save_worker.ts';
import type { Settings } from '../config/index.ts';
import { reason, UserError } from '../errors.ts';
import { threadModule } from '../system/thread_module.ts';

/** A tensor of the engine's; `read` gives its values now. */
export interface TensorSource extends Omit<NamedTensor, 'values'> {
  read(): Float32Array;
}

export function tensorSource(name: string, variable: tf.Variable): TensorSource {
  return { name, shape: variable.shape, read: () => variable.dataSync() as Float32Array };
}

export function tensorSources(variables: ReadonlyMap<string, tf.Variable>): TensorSource[] {
  return [...variables].map(([name, variable]) => tensorSource(name, variable));
}

interface Snapshot {
  info: CheckpointInfo;
  weights: TensorSource[];
  optimizer: TensorSource[];
}

const worker = threadModule('../checkpoints/save_worker', import.meta.url);

/** Saves in the background while training goes on, one checkpoint at a time. */
export class CheckpointSaver {
  readonly #run: string;
  readonly #settings: Settings;
  readonly #snapshot: () => Snapshot;
  /** Started by the first save. */
  #pool: Piscina | undefined;
  /** In memory that the thread shares, and that the next snapshot overwrites. */
  readonly #copies = new Map<string, Float32Array>();
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

  /**
   * Takes a snapshot now and writes it in the background, unless its weights are no numbers any more; waits for the
   * one before, so that there is only one copy.
   */
  async save(): Promise<void> {
    await this.#saving;
    const { info, weights, optimizer } = this.#snapshot();
    const job: SaveJob = {
      run: this.#run,
      keep: this.#settings.keepCheckpoints,
      info,
      weights: weights.map((source) => this.#copy('weights', source)),
      optimizer: optimizer.map((source) => this.#copy('optimizer', source)),
    };
    this.#savedAt = performance.now();
    this.#pool ??= new Piscina({ filename: worker, minThreads: 1, maxThreads: 1 });
    this.#saving = this.#pool.run(job).catch((error) => {
      throw new UserError(reason(error)); // its class is lost on the way between threads
    });
    this.#saving.catch(() => {}); // thrown by the next save() or finish()
  }

  #copy(kind: string, { name, shape, read }: TensorSource): NamedTensor {
    const values = read();
    const key = `${kind}/${name}`;
    const copy = this.#copies.get(key) ?? new Float32Array(new SharedArrayBuffer(values.byteLength));
    copy.set(values);
    this.#copies.set(key, copy);
    return { name, shape, values: copy };
  }

  /** Waits until what was saved is on the disk. @throws {UserError} where it could not be written. */
  finish(): Promise<void> {
    return this.#saving;
  }

  /** Ends the thread, once what it writes is on the disk. */
  async close(): Promise<void> {
    await this.#saving.catch(() => {});
    await this.#pool?.destroy();
  }
}
