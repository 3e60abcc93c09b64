import { createHash } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { reason, UserError } from '../errors.ts';
import { usableCores } from '../system/cores.ts';
import { findLaunch } from './launcher.ts';
import { initialize, type Mpi, memory, type Request, type Values } from './mpi.ts';

/**
 * All processes that an MPI launcher started with one command, with ranks 0 .. size - 1. All ranks must call the
 * collective operations in the same order. An operation starts with the call and advances while this process calls
 * progress() or awaits the promise. Its memory must come from {@link memory}, and must not be touched until it is done.
 */
export interface World {
  readonly rank: number;
  readonly size: number;
  /** Rank among the ranks on this host, and their number. */
  readonly localRank: number;
  readonly localSize: number;
  /** Number of ranks that run on exactly the same cores, this one included. */
  readonly onSameCores: number;
  /** e.g. 'Open MPI v4.1.4'. */
  readonly version: string;
  /** Sends the values of rank 0 to all ranks, in place. */
  broadcast(values: Values): Promise<void>;
  /** Sums the values of all ranks, in place on all. */
  allreduce(values: Float32Array | Float64Array): Promise<void>;
  /** Concatenates the values of all ranks on all; `all` is size times as long as `mine`, which all ranks have in one length. */
  allgather(mine: Values, all: Values): Promise<void>;
  /** Sends part i of `sent` to rank i, and receives part i of `received` from rank i. */
  alltoall(sent: Values, received: Values): Promise<void>;
  barrier(): Promise<void>;
  /** Sends a value of rank 0 to all ranks, as JSON. */
  share<T>(value: T): Promise<T>;
  /** Collects a value of each rank on rank 0, by rank, using structured clone; less than 2 GB in all. */
  gather<T>(value: T): Promise<T[] | undefined>;
  /**
   * Runs `work` on rank 0 first, then on the first rank of each other host, then on the others, so that they find what the
   * earlier ones wrote to disk.
   */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Lets MPI advance the operations in progress. */
  progress(): void;
  /** Milliseconds that this rank has been waiting for others; 0 while it is not waiting. */
  waited(): number;
  /**
   * Leaves once all ranks do. After an error it ends all ranks: rank 0 is notified, throws {@link RankFailed} where it
   * waits, and its end ends all.
   */
  leave(error?: unknown): Promise<void>;
}

/** Another rank has failed. Thrown on rank 0, which should save its work and exit. */
export class RankFailed extends UserError {}

/** Milliseconds of polling without pauses: ranks with equal work finish about that far apart. */
const pollFor = 20;
/** Rank 0 may have to save a checkpoint before it ends all ranks. */
const secondsToBeEnded = 60;
/** Size of the notice of a failed rank: JSON with the start of the reason, which fits however it is escaped. */
const failureBytes = 4096;
const reasonLength = 600;

interface Waiting {
  request: Request;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Joins the other ranks, if a launcher started this process as one of several.
 * @returns undefined for a single process; MPI is not loaded then.
 * @throws {UserError} where MPI does not load, or is not that of the launcher.
 */
export async function joinWorld(): Promise<World | undefined> {
  const launch = findLaunch();
  if (!launch) return undefined;
  const mpi = await initialize(launch.families);
  if (mpi.size !== launch.size) {
    throw new UserError(
      `The launcher started ${launch.size} processes, but ${mpi.version} knows of ${mpi.size}; ` +
        'launch them with that MPI: with its own mpirun, or with srun --mpi=pmix.',
    );
  }
  const ranks = new Ranks(mpi);
  await ranks.locate();
  return ranks;
}

/** {@link World} on MPI. */
class Ranks implements World {
  localRank = 0;
  localSize = 1;
  onSameCores = 1;
  readonly #mpi: Mpi;
  readonly #waiting = new Set<Waiting>();
  #polling = false;
  /** When this process began to wait; 0 while it is not waiting. */
  #since = 0;
  /** On rank 0: receives the notice of a failed rank. */
  readonly #notice = memory(Uint8Array, failureBytes);
  #listening: Request | undefined;
  #failure: RankFailed | undefined;
  #left = false;

  constructor(mpi: Mpi) {
    this.#mpi = mpi;
    if (mpi.rank === 0) this.#listening = mpi.receive(this.#notice);
    // If this process ends early it ends all ranks, which would wait for it. Node would print the error too late.
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

  /** Finds which ranks are on the same host and on the same cores. */
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

  alltoall(sent: Values, received: Values): Promise<void> {
    return this.#start(() => this.#mpi.alltoall(sent, received));
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

  /** Polls the operations from the event loop, so that signals, timers and files are served in between. */
  #poll(): void {
    if (this.#polling || this.#waiting.size === 0) return;
    this.#polling = true;
    const check = () => {
      this.#polling = false;
      this.#since ||= performance.now();
      this.progress();
      this.#poll();
    };
    if (this.#since > 0 && this.waited() > pollFor) setTimeout(check, 1);
    else setImmediate(check);
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

/** The cores that this process may run on, as a list on Linux; elsewhere their number. */
function coresOf(): string {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    return /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] as string;
  } catch {
    return String(usableCores());
  }
}
