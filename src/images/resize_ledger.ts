import { type FileHandle, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Shard } from '../cluster/index.ts';
import { linesOf, syncFolder, temporaryName } from '../system/files.ts';

/** Each shard has a file of its own: some disks do not let two hosts add to one. */
const ledgerName = (shard?: Shard) =>
  shard ? `.resized.${shard.index + 1}-of-${shard.count}.jsonl` : '.resized.jsonl';
const anyLedger = /^\.resized(\.\d+-of-\d+)?\.jsonl$/;
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

/** The files that may tell of sources, those that were written to last at the end: they know better. */
async function findLedgers(data: string): Promise<string[]> {
  const names = (await readdir(data).catch(() => [])).filter((name) => anyLedger.test(name));
  const files = names.map(async (name) => ({ name, modified: (await stat(join(data, name))).mtimeMs }));
  const sorted = (await Promise.all(files)).sort((a, b) => a.modified - b.modified);
  return sorted.map(({ name }) => name);
}

/** JSON of the settings that data was last resized with; undefined where it was not resized, or by versions before. */
export async function lastSettings(data: string): Promise<string | undefined> {
  const newest = (await findLedgers(data)).at(-1);
  if (newest === undefined) return undefined;
  for await (const line of linesOf(join(data, newest))) return line;
  return undefined;
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
 * is killed loses what was in flight and no more. What shards have added is taken over by the next run that is none.
 */
export class ResizeLedger {
  readonly #data: string;
  readonly #name: string;
  readonly #settings: string;
  readonly #entries = new Map<string, Entry>();
  /** A shard's: the sources that its own file tells of, while the entries are of all files. */
  readonly #own: Set<string> | undefined;
  /** Files of shards, which this one's is to take the place of. */
  #shards: string[] = [];
  /** Lines of the file but the first. */
  #lines = 0;
  /** Whether the file is there and of these settings. */
  #fits = false;
  #handle: FileHandle | undefined;
  #waiting = '';
  #writing: Promise<void> | undefined;
  #failure: unknown;

  private constructor(data: string, settings: string, shard: Shard | undefined) {
    this.#data = data;
    this.#settings = settings;
    this.#name = ledgerName(shard);
    this.#own = shard && new Set();
  }

  /** @param settings JSON; an entry of others has the size -1. */
  static async read(data: string, settings: string, shard?: Shard): Promise<ResizeLedger> {
    const ledger = new ResizeLedger(data, settings, shard);
    await ledger.#readFormer();
    for (const name of await findLedgers(data)) await ledger.#readLines(name);
    if (ledger.#shards.length > 0) ledger.#fits = false;
    return ledger;
  }

  async #readLines(name: string): Promise<void> {
    const isOwn = name === this.#name;
    let settings: string | undefined;
    for await (const text of linesOf(join(this.#data, name))) {
      if (settings !== undefined) this.#take(text, { isOwn, fits: settings === this.#settings });
      settings ??= text;
    }
    if (isOwn) this.#fits = settings === this.#settings;
    else if (!this.#own) this.#shards.push(name);
  }

  #take(text: string, { isOwn, fits }: { isOwn: boolean; fits: boolean }): void {
    if (isOwn) this.#lines++;
    const [source, size, modified, unreadable] = parse(text) ?? [];
    if (source === undefined) return;
    if (isOwn) this.#own?.add(source);
    if (size === undefined || modified === undefined) this.#entries.delete(source);
    else this.#entries.set(source, { size: fits ? size : -1, modified, ...(unreadable && { unreadable }) });
  }

  async #readFormer(): Promise<void> {
    const text = await readFile(join(this.#data, formerName), 'utf8').catch(() => '{}');
    try {
      const { settings, entries }: FormerLedger = JSON.parse(text);
      for (const [source, { stamp, unreadable }] of Object.entries(entries)) {
        // Empty where the copy is of other settings.
        const [size = -1, modified = 0] = stamp === '' ? [] : stamp.split('-').map(Number);
        const entry = { size: settings === this.#settings ? size : -1, modified };
        this.#entries.set(source, { ...entry, ...(unreadable ? { unreadable } : {}) });
      }
    } catch {
      // Not one of those.
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
    if (!this.#own) await rm(join(this.#data, formerName), { force: true });
    this.#handle = await open(join(this.#data, this.#name), 'a+');
    // A line that a crash cut off must not swallow the next one.
    const { size } = await this.#handle.stat();
    const { buffer } = await this.#handle.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer[0] !== 10) this.#append('\n');
  }

  set(source: string, entry: Entry): void {
    this.#entries.set(source, entry);
    this.#own?.add(source);
    this.#append(lineOf(source, entry));
  }

  /**
   * Tells on the disk that copies of these are about to be made, so that after a kill they are known to be copies.
   * @throws {Error} where it cannot be written.
   */
  async announce(sources: string[]): Promise<void> {
    const isKnown = (entry: Entry | undefined) => entry !== undefined && entry.unreadable === undefined;
    const news = sources.filter((source) => !isKnown(this.#entries.get(source)));
    if (news.length === 0) return;
    for (const source of news) this.set(source, { size: -1, modified: 0 });
    await this.#writing;
    if (this.#failure) throw this.#failure;
    await this.#handle?.sync();
  }

  delete(source: string): void {
    this.#entries.delete(source);
    this.#own?.add(source);
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
    if (this.#lines > 2 * this.#told) await this.#rewrite();
  }

  /** Sources that the file tells of. */
  get #told(): number {
    return (this.#own ?? this.#entries).size;
  }

  async #rewrite(): Promise<void> {
    const file = join(this.#data, this.#name);
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
    for (const name of this.#shards) await rm(join(this.#data, name), { force: true });
    this.#shards = [];
    this.#lines = this.#told;
    this.#fits = true;
  }

  *#chunks(): Generator<string> {
    let lines = [`${this.#settings}\n`];
    for (const source of this.#own ?? this.#entries.keys()) {
      lines.push(lineOf(source, this.#entries.get(source)));
      if (lines.length < linesAtOnce) continue;
      yield lines.join('');
      lines = [];
    }
    yield lines.join('');
  }
}
