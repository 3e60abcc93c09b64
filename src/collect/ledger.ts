import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credit } from './candidate.ts';

/** Hidden, so that it is not mistaken for a picture. */
const ledgerName = '.collected.jsonl';

/** A picture that was stored in the folder. */
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

/** A URL with the same bytes as a stored picture. */
export interface DuplicateEntry extends Credit {
  state: 'duplicate';
  url: string;
  /** The file with these bytes. */
  file: string;
  sha256: string;
  time: string;
}

/** A URL that could not be fetched. */
export interface FailedEntry {
  /** 'failed' for good, or to try again 'later', in the next run. */
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
    // A line that a crash cut off.
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

/** The entry of each URL, in the order in which they first appear. The last line about a URL counts. */
export async function readLedger(folder: string): Promise<Map<string, Entry>> {
  return parse(await readText(folder));
}

/** The record of a folder: JSON Lines that are only appended to, each synced to disk before the run continues. */
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
    // Ends a line that a crash cut off.
    if (text !== '' && !text.endsWith('\n')) await handle.appendFile('\n');
    return new Ledger(handle, parse(text));
  }

  get(url: string): Entry | undefined {
    return this.#entries.get(url);
  }

  /** The file that was stored with these bytes. */
  fileWith(sha256: string): string | undefined {
    return this.#files.get(sha256);
  }

  /** Adds a line. @returns once it is synced to disk. */
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
