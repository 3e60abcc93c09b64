import { Piscina } from 'piscina';
import type { CheckpointInfo } from '../checkpoints/index.ts';
import type { SaveJob } from '../checkpoints/save_worker.ts';
import type { Settings } from '../config/index.ts';
import { reason, UserError } from '../errors.ts';
import { threadModule } from '../system/thread_module.ts';
import type { NamedTensor } from '../tensors/tensors.ts';
import type { TensorSource } from './tensor_source.ts';

/** What a checkpoint is made of. */
export interface Snapshot {
  info: CheckpointInfo;
  weights: TensorSource[];
  optimizer: TensorSource[];
}

const worker = threadModule('../checkpoints/save_worker', import.meta.url);

/** Saves checkpoints on a thread of its own while training continues, one at a time. */
export class CheckpointSaver {
  readonly #run: string;
  readonly #settings: Settings;
  readonly #snapshot: () => Snapshot;
  /** Started by the first save(). */
  #pool: Piscina | undefined;
  /** Shared with the thread; the next snapshot overwrites them. */
  readonly #copies = new Map<string, Float32Array>();
  #saving: Promise<void> = Promise.resolve();
  #savedAt = performance.now();

  constructor(run: string, settings: Settings, snapshot: () => Snapshot) {
    this.#run = run;
    this.#settings = settings;
    this.#snapshot = snapshot;
  }

  /** Whether --save-every-steps or --save-every-minutes asks for a checkpoint after this step. */
  isDue(step: number): boolean {
    const { saveEverySteps, saveEveryMinutes } = this.#settings;
    const byStep = saveEverySteps > 0 && step % saveEverySteps === 0;
    const byTime = saveEveryMinutes > 0 && performance.now() - this.#savedAt > saveEveryMinutes * 60_000;
    return byStep || byTime;
  }

  /**
   * Takes a snapshot and returns while it is written. It waits for the previous one, so that only one copy is in
   * memory. A snapshot with weights that are not finite is not written.
   * @throws {UserError} where the previous one could not be written.
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
      throw new UserError(reason(error)); // errors lose their class between threads
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

  /** Waits until the last snapshot is on the disk. @throws {UserError} where it could not be written. */
  finish(): Promise<void> {
    return this.#saving;
  }

  /** Waits for the last snapshot and ends the thread. */
  async close(): Promise<void> {
    await this.#saving.catch(() => {});
    await this.#pool?.destroy();
  }
}
