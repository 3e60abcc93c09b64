import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Slots } from '../async/slots.ts';
import { reason, UserError } from '../errors.ts';
import { findPictures } from '../images/find.ts';
import { findGenerated } from '../images/generated.ts';
import { makeFolder, removeRests, syncFolder, temporaryName } from '../system/files.ts';
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

export interface CollectOptions {
  rawData: string;
  /** Name of the class, a folder in rawData that is made where it is missing. */
  className: string;
  /** URLs as parseUrlList gives them, or a search. */
  source: { urls: string[] } | { search: Search };
  /** Stop once the folder holds so many pictures, those there before included, augmented copies not. */
  count?: number;
  /** Largest file, bytes. */
  maxBytes: number;
  /** Largest picture, width times height. */
  maxPixels: number;
  /** Fetch again what failed for good, and what a search found and has been deleted since. */
  again: boolean;
  /** What differs from webDefaults. */
  web: Partial<WebOptions>;
  signal?: AbortSignal;
  /** Of the pictures that lacked at the start, where there is a count; of the URLs that did, where there is none. */
  onProgress?: (done: number, total: number) => void;
}

export const collectDefaults = { maxBytes: 20_000_000, maxPixels: 100_000_000, again: false, web: {} };

export interface Failure {
  url: string;
  reason: string;
  /** Whether the next run tries it again. */
  again: boolean;
}

export interface CollectReport {
  folder: string;
  /** Pictures in the folder, augmented copies not counted. */
  pictures: number;
  fetched: number;
  /** URLs whose bytes were there already. */
  duplicates: number;
  /** URLs that an earlier run had fetched. */
  thereBefore: number;
  /** URLs that failed for good in an earlier run. */
  failedBefore: number;
  /** Pictures that an earlier run had fetched and that have been deleted since. */
  removed: number;
  failed: Failure[];
  /** Why the search ended early. */
  searchError?: string;
  /** Whether the signal ended the run. */
  stopped: boolean;
}

/** @throws {UsageError} for a name that is no plain folder's. */
export function checkClassName(name: string): string {
  if (/^[^./\\\p{Cc}][^/\\\p{Cc}]{0,199}$/u.test(name)) return name;
  throw wrongValue('the class', 'the name of a folder without "/" and "\\", not starting with "."', name);
}

/**
 * Fetches pictures into rawData/<class>/, and what is known of each into .collected.jsonl there. What an earlier run
 * has fetched is not fetched again; an interrupted run goes on where it was. A URL that fails is reported, the others
 * go on.
 * @throws {UsageError} for a wrong class name. @throws {UserError} where the folder cannot be written.
 */
export async function collect(options: CollectOptions): Promise<CollectReport> {
  const folder = join(options.rawData, checkClassName(options.className));
  try {
    await makeFolder(folder);
    await removeRests(folder);
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

/** One run. */
class Collection {
  readonly #options: CollectOptions;
  readonly #folder: string;
  readonly #ledger: Ledger;
  readonly #web: Web;
  /** Ends everything: the caller's signal, or an error that is no picture's. */
  readonly #stop = new AbortController();
  /** Ends the waiting for second attempts, once the folder holds enough. */
  readonly #full = new AbortController();
  /** One for each picture that is still wanted; a download holds one, and gives it back where it fails. */
  readonly #wanted: Slots;
  /** Storing is one at a time, so that of two equal pictures the second one sees the first. */
  readonly #storing = new Slots(1);
  readonly #report: CollectReport;
  /** Pictures at the start. */
  readonly #before: number;
  /** How many URLs of a list no earlier run has settled. */
  #lacking = 0;
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

  get #enough(): boolean {
    const { count } = this.#options;
    return count !== undefined && this.#report.pictures >= count;
  }

  /** Candidates are under way in such a number that no host keeps another one's from being fetched. */
  async #fetchAll(): Promise<void> {
    const { count } = this.#options;
    const { concurrency } = this.#web.options;
    const missing = (count ?? Number.POSITIVE_INFINITY) - this.#report.pictures;
    const underWay = new Slots(Math.min(8 * concurrency, missing + concurrency));
    const tasks = new Set<Promise<void>>();
    try {
      if (this.#enough) return;
      for await (const candidate of this.#candidates()) {
        await underWay.take();
        if (this.#enough || this.#stop.signal.aborted) break;
        const task = this.#attend(candidate).finally(() => {
          underWay.give();
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

  /** What no earlier run has settled. A list is gone through first, so that the progress is of what lacks. */
  async *#candidates(): AsyncGenerator<Candidate> {
    const { source } = this.#options;
    if ('search' in source) {
      for await (const candidate of searchOpenverse(this.#web, source.search)) {
        if (!(await this.#isSettled(candidate))) yield candidate;
      }
      return;
    }
    const lacking: Candidate[] = [];
    for (const candidate of candidatesOf(source.urls)) {
      if (!(await this.#isSettled(candidate))) lacking.push(candidate);
    }
    this.#lacking = lacking.length;
    yield* lacking;
  }

  /** Brings a candidate to its end, whatever it is. */
  async #attend(candidate: Candidate): Promise<void> {
    try {
      await this.#fetch(candidate);
      this.#reportProgress();
    } catch (error) {
      // Interrupted, not failed.
      if (this.#stop.signal.aborted || this.#full.signal.aborted) return;
      this.#abort(error);
    }
  }

  #reportProgress(): void {
    const { count, onProgress } = this.#options;
    this.#done++;
    if (count === undefined) onProgress?.(this.#done, Math.max(this.#done, this.#lacking));
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

  /** Whether an earlier run has settled it. */
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
    // A list says which pictures are wanted; what a search found and somebody deleted is not.
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
    if (!this.#enough) return;
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
      if (!added) this.#wanted.give();
    }
  }

  /** @returns whether the folder has one picture more. */
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
        this.#storing.give();
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
    const twin = await this.#twinOf(facts.sha256);
    if (twin !== undefined) {
      this.#report.duplicates++;
      await this.#ledger.append({
        state: 'duplicate',
        url,
        file: twin,
        sha256: facts.sha256,
        time,
        ...credit,
      });
      return false;
    }
    const file = `${name}.${extension}`;
    const target = join(this.#folder, file);
    const isNew = !(await exists(target));
    // Before the rename, so that no picture is ever there without its source and licence.
    await this.#ledger.append({ state: 'stored', url, file, ...facts, time, ...credit });
    await rename(temporary, target);
    await syncFolder(this.#folder);
    this.#report.fetched++;
    if (isNew) this.#report.pictures++;
    return isNew;
  }

  /** The file that holds, or has held until somebody deleted it, the same bytes. */
  async #twinOf(sha256: string): Promise<string | undefined> {
    const twin = this.#ledger.fileWith(sha256);
    if (twin === undefined) return undefined;
    const { again, source } = this.#options;
    const deletedForGood = 'search' in source && !again;
    return deletedForGood || (await exists(join(this.#folder, twin))) ? twin : undefined;
  }
}
