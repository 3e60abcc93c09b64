import { createHash } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { reason, UserError } from '../errors.ts';
import { findLaunch } from './launcher.ts';
import { initialize, type Mpi, memory, type Request, type Values } from './mpi.ts';

/**
 * All processes that an MPI launcher started with one command, each of a rank 0 .. size - 1. What is done together must
 * be called by all ranks in the same order. It starts when it is called and goes on while this process computes and
 * calls progress(), or awaits the promise; the memory must be of {@link memory} and left alone until then.
 */
export interface World {
  readonly rank: number;
  readonly size: number;
  /** Among the ranks on this host. */
  readonly localRank: number;
  readonly localSize: number;
  /** Ranks that have just the same cores to run on, this one included. */
  readonly onSameCores: number;
  /** e.g. 'Open MPI v4.1.4'. */
  readonly version: string;
  /** Rank 0's values to all, in place. */
  broadcast(values: Values): Promise<void>;
  /** The sum of all ranks' values to all, in place. */
  allreduce(values: Float32Array | Float64Array): Promise<void>;
  /** Each rank's values, of one length, to all: `all` is size times as long. */
  allgather(mine: Values, all: Values): Promise<void>;
  /** Part i of `given` to rank i; part i of `taken` is of rank i. */
  alltoall(given: Values, taken: Values): Promise<void>;
  barrier(): Promise<void>;
  /** Rank 0's value to all; any that JSON can say. */
  share<T>(value: T): Promise<T>;
  /** Each rank's value, in their order, to rank 0 alone; any that structured cloning takes. Less than 2 GB together. */
  gather<T>(value: T): Promise<T[] | undefined>;
  /** Does the work on rank 0 first, then on the first rank of each other host, then on the rest: what the first leaves on a disk the others find. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Lets MPI work on what is under way. */
  progress(): void;
  /** Milliseconds that this rank has waited for others; 0 where it does not wait. */
  waited(): number;
  /**
   * Leaves once all ranks do; after an error, has all ranks end: rank 0 is told, throws {@link RankFailed} where it
   * waits, and all end with its process.
   */
  leave(error?: unknown): Promise<void>;
}

/** Another rank has failed; thrown on rank 0, which is to save what there is and to end. */
export class RankFailed extends UserError {}

/** So long it is polled without a rest: ranks with equal work are that far apart. */
const pollFor = 20;
/** Rank 0 may have a checkpoint to save before it ends all. */
const secondsToBeEnded = 60;
/** What a rank tells of its failure: JSON with so much of the reason that it fits, however it is escaped. */
const failureBytes = 4096;
const reasonLength = 600;

interface Waiting {
  request: Request;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Joins the ranks of the launcher's that started this process.
 * @returns undefined where it is alone; nothing of MPI is loaded then.
 * @throws {UserError} where MPI does not load, or is not that of the launcher.
 */
export async function joinWorld(): Promise<World | undefined> {
  const launch = findLaunch();
  if (!launch) return undefined;
  const mpi = await initialize(launch.families);
  if (mpi.size !== launch.size) {
    throw new UserError(
      `The launcher started ${launch.size} processes, but ${mpi.version} knows of ${mpi.size}; ` +
        'launch them by that MPI: with its own mpirun, or srun --mpi=pmix.',
    );
  }
  const ranks = new Ranks(mpi);
  await ranks.locate();
  return ranks;
}

class Ranks implements World {
  localRank = 0;
  localSize = 1;
  onSameCores = 1;
  readonly #mpi: Mpi;
  readonly #waiting = new Set<Waiting>();
  #polling = false;
  /** When this process began to wait; 0 where it does not. */
  #since = 0;
  /** On rank 0: what a rank that fails tells. */
  readonly #notice = memory(Uint8Array, failureBytes);
  #listening: Request | undefined;
  #failure: RankFailed | undefined;
  #left = false;

  constructor(mpi: Mpi) {
    this.#mpi = mpi;
    if (mpi.rank === 0) this.#listening = mpi.receive(this.#notice);
    // Whatever ends this process early ends all, which would wait for it; Node would tell why only after that.
    process.on('uncaughtExceptionMonitor', (error) => writeSync(2, `${error.stack}\n`));
    process.on('exit', (code) => {
      if (!this.#left) mpi.abort(code);
    });
  }

  get rank(): number {
    return this.#mpi.rank;
  }

  get size(): number {
    return this.#mpi.size;
  }

  get version(): string {
    return this.#mpi.version;
  }

  /** Which ranks share this one's host, and which of these its cores. */
  async locate(): Promise<void> {
    const digestBytes = 32;
    const digest = (text: string) => createHash('sha256').update(text).digest();
    const mine = memory(Uint8Array, 2 * digestBytes);
    mine.set(digest(hostname()));
    mine.set(digest(`${hostname()}/${coresOf()}`), digestBytes);
    const all = memory(Uint8Array, mine.length * this.size);
    await this.allgather(mine, all);
    const ranksLike = (from: number, to: number) =>
      Array.from({ length: this.size }, (_, rank) => rank).filter((rank) =>
        Buffer.from(mine.subarray(from, to)).equals(
          all.subarray(rank * mine.length + from, rank * mine.length + to),
        ),
      );
    const onHost = ranksLike(0, digestBytes);
    this.localRank = onHost.indexOf(this.rank);
    this.localSize = onHost.length;
    this.onSameCores = ranksLike(digestBytes, 2 * digestBytes).length;
  }

  broadcast(values: Values): Promise<void> {
    return this.#start(() => this.#mpi.broadcast(values));
  }

  allreduce(values: Float32Array | Float64Array): Promise<void> {
    return this.#start(() => this.#mpi.allreduce(values));
  }

  allgather(mine: Values, all: Values): Promise<void> {
    return this.#start(() => this.#mpi.allgather(mine, all));
  }

  alltoall(given: Values, taken: Values): Promise<void> {
    return this.#start(() => this.#mpi.alltoall(given, taken));
  }

  barrier(): Promise<void> {
    return this.#start(() => this.#mpi.barrier());
  }

  async share<T>(value: T): Promise<T> {
    const text = Buffer.from(this.rank === 0 ? JSON.stringify(value ?? null) : '');
    const length = memory(Float64Array, 1);
    length[0] = text.length;
    await this.broadcast(length);
    const bytes = memory(Uint8Array, length[0]);
    bytes.set(text);
    await this.broadcast(bytes);
    return JSON.parse(Buffer.from(bytes.buffer).toString()) ?? undefined;
  }

  async gather<T>(value: T): Promise<T[] | undefined> {
    const bytes = serialize(value);
    const mine = memory(Uint8Array, bytes.length);
    mine.set(bytes);
    const length = memory(Float64Array, 1);
    length[0] = mine.length;
    const lengths = memory(Float64Array, this.size);
    await this.allgather(length, lengths);
    const total = this.rank === 0 ? lengths.reduce((sum, one) => sum + one, 0) : 0;
    const all = memory(Uint8Array, total);
    const counts = memory(Int32Array, this.size);
    counts.set(lengths);
    await this.#start(() => this.#mpi.gather(mine, all, counts));
    if (this.rank > 0) return undefined;
    let end = 0;
    return Array.from(counts, (count) => {
      end += count;
      return deserialize(all.subarray(end - count, end));
    });
  }

  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.rank === 0 ? 0 : this.localRank === 0 ? 1 : 2;
    let result: Promise<T> | undefined;
    for (let now = 0; now <= 2; now++) {
      if (now === turn) result = work();
      await result;
      await this.barrier();
    }
    return result as Promise<T>;
  }

  #start(begin: () => Request): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    const request = begin();
    return new Promise((resolve, reject) => {
      this.#waiting.add({ request, resolve, reject });
      this.#poll();
    });
  }

  progress(): void {
    for (const one of this.#waiting) {
      if (!this.#mpi.isDone(one.request)) continue;
      this.#waiting.delete(one);
      one.resolve();
    }
    this.#listen();
    if (this.#waiting.size === 0) this.#since = 0;
  }

  /** Between two looks at what is under way this process serves its signals, timers and files. */
  #poll(): void {
    if (this.#polling || this.#waiting.size === 0) return;
    this.#polling = true;
    const look = () => {
      this.#polling = false;
      this.#since ||= performance.now();
      this.progress();
      this.#poll();
    };
    if (this.#since > 0 && this.waited() > pollFor) setTimeout(look, 1);
    else setImmediate(look);
  }

  waited(): number {
    return this.#since > 0 ? performance.now() - this.#since : 0;
  }

  #listen(): void {
    if (!this.#listening || !this.#mpi.isDone(this.#listening)) return;
    this.#listening = undefined;
    const { rank, host, why, exitCode } = JSON.parse(
      Buffer.from(this.#notice).toString().replaceAll('\0', ''),
    );
    this.#failure = Object.assign(new RankFailed(`Rank ${rank} on ${host}: ${why}`), { exitCode });
    for (const one of this.#waiting) one.reject(this.#failure);
    this.#waiting.clear();
  }

  async leave(error?: unknown): Promise<void> {
    if (error === undefined) {
      await this.barrier();
      if (this.#listening) this.#mpi.cancel(this.#listening);
      this.#left = true;
      this.#mpi.finalize();
      return;
    }
    if (this.rank === 0) return; // its process is about to end with the error
    const exitCode = error instanceof UserError ? error.exitCode : 1;
    const why = reason(error).split('\n')[0]?.slice(0, reasonLength);
    const text = JSON.stringify({ rank: this.rank, host: hostname(), why, exitCode });
    const notice = memory(Uint8Array, failureBytes);
    notice.set(Buffer.from(text));
    await this.#start(() => this.#mpi.send(notice));
    await sleep(secondsToBeEnded * 1000);
  }
}

/** The cores that this process may run on, as Linux tells them; elsewhere how many. */
function coresOf(): string {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] as string;
  } catch {
    return String(availableParallelism());
  }
}
