import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { linesOf, syncFolder, temporaryName } from '../files.ts';

const ledgerName = '.resized.jsonl';
/** One JSON object, of versions before; what it tells is taken over. */
const formerName = '.resized.json';
const linesAtOnce = 1000;

/** What a source was when its copy was made. */
export interface Entry {
  /** Bytes; -1 where the copy is of other settings. */
  size: number;
  /** Time of change, milliseconds since 1970. */
  modified: number;
  /** Why there is no copy. */
  unreadable?: string;
}

/** [source], which is gone, or [source, size, modified], or [source, size, modified, why it is unreadable]. */
type Line = [source: string, size?: number, modified?: number, unreadable?: string];

interface FormerLedger {
  settings: string;
  entries: Record<string, { stamp: string; unreadable?: string }>;
}

function lineOf(source: string, entry?: Entry): string {
  const { size, modified, unreadable } = entry ?? {};
  // What is undefined would become null.
  const line = [source, size, modified, unreadable].filter((value) => value !== undefined);
  return `${JSON.stringify(line)}\n`;
}

function parse(text: string): Line | undefined {
  try {
    const line = JSON.parse(text);
    return Array.isArray(line) && typeof line[0] === 'string' ? (line as Line) : undefined;
  } catch {
    // The end of a line that a crash cut off.
    return undefined;
  }
}

/**
 * What was made of each source, by its path below rawdata, in a hidden file of data: JSON Lines, of which the first are
 * the settings and the last one about a source is in force. It is appended to as copies are made, so that a run that
 * is killed loses what was in flight and no more.
 */
export class ResizeLedger {
  readonly #data: string;
  readonly #settings: string;
  readonly #entries = new Map<string, Entry>();
  /** Lines of the file but the first. */
  #lines = 0;
  /** Whether the file is there and of these settings. */
  #fits = false;
  #handle: FileHandle | undefined;
  #waiting = '';
  #writing: Promise<void> | undefined;
  #failure: unknown;

  private constructor(data: string, settings: string) {
    this.#data = data;
    this.#settings = settings;
  }

  /** @param settings JSON; with others than the file's, every entry's size is -1. */
  static async read(data: string, settings: string): Promise<ResizeLedger> {
    const ledger = new ResizeLedger(data, settings);
    const found = (await ledger.#readLines()) ?? (await ledger.#readFormer());
    if (found !== settings) for (const entry of ledger.#entries.values()) entry.size = -1;
    return ledger;
  }

  /** @returns the settings that the file is of; undefined where there is none. */
  async #readLines(): Promise<string | undefined> {
    let settings: string | undefined;
    try {
      for await (const text of linesOf(join(this.#data, ledgerName))) {
        if (settings === undefined) settings = text;
        else this.#take(text);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    this.#fits = settings === this.#settings;
    return settings;
  }

  #take(text: string): void {
    this.#lines++;
    const [source, size, modified, unreadable] = parse(text) ?? [];
    if (source === undefined) return;
    if (size === undefined || modified === undefined) this.#entries.delete(source);
    else this.#entries.set(source, unreadable ? { size, modified, unreadable } : { size, modified });
  }

  async #readFormer(): Promise<string | undefined> {
    const text = await readFile(join(this.#data, formerName), 'utf8').catch(() => '{}');
    try {
      const { settings, entries }: FormerLedger = JSON.parse(text);
      for (const [source, { stamp, unreadable }] of Object.entries(entries)) {
        // Empty where the copy is of other settings.
        const [size = -1, modified = 0] = stamp === '' ? [] : stamp.split('-').map(Number);
        this.#entries.set(source, { size, modified, ...(unreadable ? { unreadable } : {}) });
      }
      return settings;
    } catch {
      return undefined;
    }
  }

  /** Whether the file on the disk tells what this one does. */
  get fits(): boolean {
    return this.#fits;
  }

  get(source: string): Entry | undefined {
    return this.#entries.get(source);
  }

  entries(): MapIterator<[string, Entry]> {
    return this.#entries.entries();
  }

  /** Opens the file for set and delete. */
  async open(): Promise<void> {
    if (!this.#fits) await this.#rewrite();
    await rm(join(this.#data, formerName), { force: true });
    this.#handle = await open(join(this.#data, ledgerName), 'a+');
    // A line that a crash cut off must not swallow the next one.
    const { size } = await this.#handle.stat();
    const { buffer } = await this.#handle.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer[0] !== 10) this.#append('\n');
  }

  set(source: string, entry: Entry): void {
    this.#entries.set(source, entry);
    this.#append(lineOf(source, entry));
  }

  delete(source: string): void {
    this.#entries.delete(source);
    this.#append(lineOf(source));
  }

  #append(line: string): void {
    this.#lines++;
    this.#waiting += line;
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    try {
      while (this.#waiting !== '') {
        const text = this.#waiting;
        this.#waiting = '';
        await this.#handle?.appendFile(text);
      }
    } catch (error) {
      this.#failure ??= error;
    }
    this.#writing = undefined;
  }

  /**
   * Returns once all is on the disk. Most of the lines must be in force, or the file is written anew.
   * @throws {Error} where something could not be written.
   */
  async close(): Promise<void> {
    await this.#writing;
    try {
      if (this.#failure) throw this.#failure;
      await this.#handle?.sync();
    } finally {
      await this.#handle?.close();
    }
    if (this.#lines > 2 * this.#entries.size) await this.#rewrite();
  }

  async #rewrite(): Promise<void> {
    const file = join(this.#data, ledgerName);
    const temporary = temporaryName(file);
    try {
      const handle = await open(temporary, 'w');
      try {
        for (const text of this.#chunks()) await handle.appendFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
      await syncFolder(this.#data);
    } finally {
      await rm(temporary, { force: true });
    }
    this.#lines = this.#entries.size;
    this.#fits = true;
  }

  *#chunks(): Generator<string> {
    let lines = [`${this.#settings}\n`];
    for (const [source, entry] of this.#entries) {
      lines.push(lineOf(source, entry));
      if (lines.length < linesAtOnce) continue;
      yield lines.join('');
      lines = [];
    }
    yield lines.join('');
  }
}
