import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credit } from './candidate.ts';

/** Hidden, so that it is never taken for a picture. */
const ledgerName = '.collected.jsonl';

/** A picture of the folder. */
export interface StoredEntry extends Credit {
  state: 'stored';
  url: string;
  /** Name of the file in the folder. */
  file: string;
  sha256: string;
  bytes: number;
  /** Pixels. */
  width: number;
  height: number;
  /** ISO 8601. */
  time: string;
}

/** Bytes that another URL had brought already. */
export interface DuplicateEntry extends Credit {
  state: 'duplicate';
  url: string;
  /** Where these bytes are. */
  file: string;
  sha256: string;
  time: string;
}

export interface FailedEntry {
  /** 'failed' for good, or 'later': to be tried again in the next run. */
  state: 'failed' | 'later';
  url: string;
  reason: string;
  time: string;
}

export type Entry = StoredEntry | DuplicateEntry | FailedEntry;

function parseLine(line: string): Entry[] {
  try {
    const entry = JSON.parse(line);
    return typeof entry?.url === 'string' && typeof entry.state === 'string' ? [entry] : [];
  } catch {
    // The end of a line that a crash cut off.
    return [];
  }
}

async function readText(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, ledgerName), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function parse(text: string): Map<string, Entry> {
  return new Map(
    text
      .split('\n')
      .flatMap(parseLine)
      .map((entry) => [entry.url, entry]),
  );
}

/** What became of each URL, in the order of their first mention. The last line about a URL is in force. */
export async function readLedger(folder: string): Promise<Map<string, Entry>> {
  return parse(await readText(folder));
}

/** The record of a folder, JSON Lines that are only ever appended to, each on the disk before the run goes on. */
export class Ledger {
  readonly #handle: FileHandle;
  readonly #entries: Map<string, Entry>;
  readonly #files: Map<string, string>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle, entries: Map<string, Entry>) {
    this.#handle = handle;
    this.#entries = entries;
    const stored = [...entries.values()].filter((entry) => entry.state === 'stored');
    this.#files = new Map(stored.map(({ sha256, file }) => [sha256, file]));
  }

  static async open(folder: string): Promise<Ledger> {
    const text = await readText(folder);
    const handle = await open(join(folder, ledgerName), 'a');
    // A line that a crash cut off must not swallow the next one.
    if (text !== '' && !text.endsWith('\n')) await handle.appendFile('\n');
    return new Ledger(handle, parse(text));
  }

  get(url: string): Entry | undefined {
    return this.#entries.get(url);
  }

  /** The file that has been stored with these bytes. */
  fileWith(sha256: string): string | undefined {
    return this.#files.get(sha256);
  }

  /** Returns once the line is on the disk. */
  append(entry: Entry): Promise<void> {
    this.#entries.set(entry.url, entry);
    if (entry.state === 'stored') this.#files.set(entry.sha256, entry.file);
    this.#writing = this.#writing.then(async () => {
      await this.#handle.appendFile(`${JSON.stringify(entry)}\n`);
      await this.#handle.datasync();
    });
    return this.#writing;
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#handle.close();
  }
}
