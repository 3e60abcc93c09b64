import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Slots } from '../async/slots.ts';
import { reason, UserError } from '../errors.ts';
import { findPictures } from '../images/find.ts';
import { findGenerated } from '../images/generated.ts';
import { makeFolder, removeLeftovers, syncFolder, temporaryName } from '../system/files.ts';
import { wrongValue } from '../text/wrong_value.ts';
import type { Candidate } from './candidate.ts';
import { download } from './download.ts';
import { FetchFailure } from './failure.ts';
import { inspectPicture } from './inspect.ts';
import { Ledger } from './ledger.ts';
import { type Search, searchOpenverse } from './openverse.ts';
import { withRetries } from './retry.ts';
import { candidatesOf } from './url_list.ts';
import { Web, type WebOptions, webDefaults } from './web.ts';

/** Options of {@link collect}. */
export interface CollectOptions {
  /** Folder with a subfolder of pictures per class. */
  rawData: string;
  /** Name of the class: a subfolder of rawData, created if it does not exist. */
  className: string;
  /** A list of URLs, or a search. */
  source: { urls: string[] } | { search: Search };
  /** Stops once the folder holds this many pictures, including those from before, without augmented copies. */
  count?: number;
  /** Largest file, in bytes. */
  maxBytes: number;
  /** Largest picture, width times height. */
  maxPixels: number;
  /** Whether to retry URLs that failed for good, and pictures of a search that were deleted since. */
  again: boolean;
  /** Overrides of the network defaults, such as `perHost` and `delay`. */
  web: Partial<WebOptions>;
  /** Aborting it stops the run; the pictures so far stay. */
  signal?: AbortSignal;
  /** Counts the pictures that were missing at the start if there is a `count`, otherwise the URLs. */
  onProgress?: (done: number, total: number) => void;
}

/** Defaults of {@link CollectOptions}: files up to 20 MB, pictures up to 100 megapixels, no retries of final failures. */
export const collectDefaults = { maxBytes: 20_000_000, maxPixels: 100_000_000, again: false, web: {} };

/** A URL that could not be fetched. */
export interface Failure {
  url: string;
  reason: string;
  /** Whether the next run tries it again. */
  again: boolean;
}

/** The result of {@link collect}. */
export interface CollectReport {
  /** The folder of the class. */
  folder: string;
  /** Number of pictures in the folder, without augmented copies. */
  pictures: number;
  /** Number of pictures that this run fetched. */
  fetched: number;
  /** URLs whose bytes were already in the folder. */
  duplicates: number;
  /** URLs that an earlier run fetched. */
  thereBefore: number;
  /** URLs that failed for good in an earlier run. */
  failedBefore: number;
  /** Pictures that an earlier run fetched and that were deleted since. */
  removed: number;
  failed: Failure[];
  /** Why the search ended early. */
  searchError?: string;
  /** Whether the signal stopped the run. */
  stopped: boolean;
}

/** Checks the name of a class. @throws {UsageError} where it cannot be the name of a folder. */
export function checkClassName(name: string): string {
  if (/^[^./\\\p{Cc}][^/\\\p{Cc}]{0,199}$/u.test(name)) return name;
  throw wrongValue('the class', 'the name of a folder without "/" and "\\", not starting with "."', name);
}

/**
 * Downloads pictures into `rawData/<className>/` and records their sources and licences in its `.collected.jsonl`. What an
 * earlier run fetched is not fetched again, so an interrupted run continues where it stopped. A URL that fails is
 * reported and the others continue.
 * @throws {UsageError} where the class name is wrong.
 * @throws {UserError} where the folder cannot be written.
 * @example
 * ```ts
 * import { once } from 'node:events';
 * import { readdir, readFile } from 'node:fs/promises';
 * import { createServer } from 'node:http';
 * import type { AddressInfo } from 'node:net';
 * import { collect, collectDefaults } from 'bat-sup';
 *
 * // A web server on this machine, which web.mayConnect has to allow.
 * const file = (await readdir('rawdata', { recursive: true })).find((name) => name.endsWith('.png'));
 * const picture = await readFile(`rawdata/${file}`);
 * const server = createServer((_, response) => response.end(picture)).listen(0, '127.0.0.1');
 * await once(server, 'listening');
 * const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.png`;
 *
 * const web = { ignoreRobots: true, mayConnect: () => true };
 * const options = { ...collectDefaults, rawData: 'collected', className: 'bat', source: { urls: [url] }, web };
 * const { pictures, failed } = await collect(options);
 * console.log(pictures, failed);
 * server.close();
 * ```
 */
export async function collect(options: CollectOptions): Promise<CollectReport> {
  const folder = join(options.rawData, checkClassName(options.className));
  try {
    await makeFolder(folder);
    await removeLeftovers(folder);
    const ledger = await Ledger.open(folder);
    try {
      return await new Collection(options, folder, ledger, await countPictures(options)).run();
    } finally {
      await ledger.close();
    }
  } catch (error) {
    if (error instanceof UserError || !('syscall' in (error as Error))) throw error;
    throw new UserError(`${folder} cannot be written: ${reason(error)}`);
  }
}

async function countPictures({ rawData, className }: CollectOptions): Promise<number> {
  const { classes } = await findPictures(rawData);
  const pictures = classes.find(({ name }) => name === className)?.pictures ?? [];
  const paths = pictures.map((picture) => `${className}/${picture}`);
  return pictures.length - (await findGenerated(rawData, paths)).size;
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}

/** One run of {@link collect}. */
class Collection {
  readonly #options: CollectOptions;
  readonly #folder: string;
  readonly #ledger: Ledger;
  readonly #web: Web;
  /** Stops everything: by the caller's signal, or after an error that does not concern a single picture. */
  readonly #stop = new AbortController();
  /** Ends the waiting for retries once the folder holds enough. */
  readonly #full = new AbortController();
  /** One slot per picture that is still wanted; a download holds one, and releases it if it fails. */
  readonly #wanted: Slots;
  /** Pictures are stored one at a time, so that the second of two equal ones finds the first. */
  readonly #storing = new Slots(1);
  readonly #report: CollectReport;
  /** Number of pictures at the start. */
  readonly #before: number;
  /** Number of URLs of a list that no earlier run has settled. */
  #open = 0;
  #done = 0;
  #error: unknown;

  constructor(options: CollectOptions, folder: string, ledger: Ledger, pictures: number) {
    this.#options = options;
    this.#folder = folder;
    this.#ledger = ledger;
    this.#before = pictures;
    this.#web = new Web({ ...webDefaults, ...options.web }, this.#stop.signal);
    this.#wanted = new Slots((options.count ?? Number.POSITIVE_INFINITY) - pictures);
    this.#report = {
      folder,
      pictures,
      fetched: 0,
      duplicates: 0,
      thereBefore: 0,
      failedBefore: 0,
      removed: 0,
      failed: [],
      stopped: false,
    };
  }

  async run(): Promise<CollectReport> {
    const { signal } = this.#options;
    const stop = () => this.#stop.abort(new UserError('stopped'));
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    try {
      await this.#fetchAll();
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#web.close();
    }
    if (this.#error !== undefined) throw this.#error;
    this.#report.stopped = signal?.aborted ?? false;
    return this.#report;
  }

  get #hasEnough(): boolean {
    const { count } = this.#options;
    return count !== undefined && this.#report.pictures >= count;
  }

  /** Fetches so many candidates at a time that a slow host does not hold up the others. */
  async #fetchAll(): Promise<void> {
    const { count } = this.#options;
    const { concurrency } = this.#web.options;
    const missing = (count ?? Number.POSITIVE_INFINITY) - this.#report.pictures;
    const running = new Slots(Math.min(8 * concurrency, missing + concurrency));
    const tasks = new Set<Promise<void>>();
    try {
      if (this.#hasEnough) return;
      for await (const candidate of this.#candidates()) {
        await running.take();
        if (this.#hasEnough || this.#stop.signal.aborted) break;
        const task = this.#process(candidate).finally(() => {
          running.release();
          tasks.delete(task);
        });
        tasks.add(task);
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        if (!(error instanceof UserError)) throw error;
        this.#report.searchError = error.message;
      }
    } finally {
      await Promise.all(tasks);
    }
  }

  /** Candidates that no earlier run has settled. A list is filtered first, so that the progress has a total. */
  async *#candidates(): AsyncGenerator<Candidate> {
    const { source } = this.#options;
    if ('search' in source) {
      for await (const candidate of searchOpenverse(this.#web, source.search)) {
        if (!(await this.#isSettled(candidate))) yield candidate;
      }
      return;
    }
    const open: Candidate[] = [];
    for (const candidate of candidatesOf(source.urls)) {
      if (!(await this.#isSettled(candidate))) open.push(candidate);
    }
    this.#open = open.length;
    yield* open;
  }

  /** Fetches a candidate. An error that does not concern it alone stops the run. */
  async #process(candidate: Candidate): Promise<void> {
    try {
      await this.#fetch(candidate);
      this.#reportProgress();
    } catch (error) {
      // It was interrupted, it did not fail.
      if (this.#stop.signal.aborted || this.#full.signal.aborted) return;
      this.#abort(error);
    }
  }

  #reportProgress(): void {
    const { count, onProgress } = this.#options;
    this.#done++;
    if (count === undefined) onProgress?.(this.#done, Math.max(this.#done, this.#open));
    else onProgress?.(this.#report.pictures - this.#before, count - this.#before);
  }

  #abort(error: unknown): void {
    this.#error ??= error;
    this.#stop.abort(error);
  }

  async #fail({ url }: Candidate, { message, again }: FetchFailure): Promise<void> {
    this.#report.failed.push({ url, reason: message, again: again !== 'never' });
    const state = again === 'never' ? 'failed' : 'later';
    await this.#ledger.append({ state, url, reason: message, time: new Date().toISOString() });
  }

  /** Whether an earlier run has settled a candidate; counts it in the report then. */
  async #isSettled({ url }: Candidate): Promise<boolean> {
    const entry = this.#ledger.get(url);
    if (!entry || entry.state === 'later') return false;
    const { again, source } = this.#options;
    if (!('file' in entry)) {
      if (!again) this.#report.failedBefore++;
      return !again;
    }
    if (await exists(join(this.#folder, entry.file))) {
      this.#report.thereBefore++;
      return true;
    }
    // A list names the pictures that are wanted; a picture of a search that was deleted is not.
    if ('urls' in source || again) return false;
    this.#report.removed++;
    return true;
  }

  async #fetch(candidate: Candidate): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, this.#full.signal]);
    try {
      await withRetries(() => this.#attempt(candidate), this.#web.options, signal);
    } catch (error) {
      if (!(error instanceof FetchFailure) || signal.aborted) throw error;
      await this.#fail(candidate, error);
    }
    if (!this.#hasEnough) return;
    this.#wanted.close();
    this.#full.abort();
  }

  async #attempt(candidate: Candidate): Promise<void> {
    if (!(await this.#wanted.take())) return;
    let added = false;
    try {
      this.#stop.signal.throwIfAborted();
      added = await this.#downloadAndStore(candidate);
    } finally {
      if (!added) this.#wanted.release();
    }
  }

  /** @returns whether the folder has one more picture. */
  async #downloadAndStore(candidate: Candidate): Promise<boolean> {
    const { maxBytes, maxPixels } = this.#options;
    const temporary = temporaryName(join(this.#folder, candidate.name));
    try {
      const { sha256, bytes } = await download(this.#web, candidate.url, temporary, maxBytes);
      const { extension, ...size } = await inspectPicture(temporary, maxPixels);
      await this.#storing.take();
      try {
        return await this.#store(candidate, temporary, extension, { sha256, bytes, ...size });
      } finally {
        this.#storing.release();
      }
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #store(
    { url, name, credit }: Candidate,
    temporary: string,
    extension: string,
    facts: { sha256: string; bytes: number; width: number; height: number },
  ): Promise<boolean> {
    const time = new Date().toISOString();
    const existing = await this.#duplicateOf(facts.sha256);
    if (existing !== undefined) {
      this.#report.duplicates++;
      await this.#ledger.append({
        state: 'duplicate',
        url,
        file: existing,
        sha256: facts.sha256,
        time,
        ...credit,
      });
      return false;
    }
    const file = `${name}.${extension}`;
    const target = join(this.#folder, file);
    const isNew = !(await exists(target));
    // Before the rename, so that no picture is ever without its source and licence.
    await this.#ledger.append({ state: 'stored', url, file, ...facts, time, ...credit });
    await rename(temporary, target);
    await syncFolder(this.#folder);
    this.#report.fetched++;
    if (isNew) this.#report.pictures++;
    return isNew;
  }

  /** The file with the same bytes, even if it was deleted since. */
  async #duplicateOf(sha256: string): Promise<string | undefined> {
    const file = this.#ledger.fileWith(sha256);
    if (file === undefined) return undefined;
    const { again, source } = this.#options;
    const deletedForGood = 'search' in source && !again;
    return deletedForGood || (await exists(join(this.#folder, file))) ? file : undefined;
  }
}
