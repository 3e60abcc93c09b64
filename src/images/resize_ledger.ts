import { type FileHandle, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Shard } from '../cluster/index.ts';
import { linesOf, syncFolder, temporaryName } from '../system/files.ts';

/** Each shard has its own file: some network disks do not let two hosts append to one. */
const ledgerName = (shard?: Shard) =>
  shard ? `.resized.${shard.index + 1}-of-${shard.count}.jsonl` : '.resized.jsonl';
const anyLedger = /^\.resized(\.\d+-of-\d+)?\.jsonl$/;
/** The file of earlier versions, one JSON object; its entries are taken over. */
const formerName = '.resized.json';
const linesPerWrite = 1000;

/** The state of a source when its copy was made. */
export interface Entry {
  /** Bytes; -1 where the copy was made with other settings. */
  size: number;
  /** Time of modification, milliseconds since 1970. */
  modified: number;
  /** Why there is no copy: the source cannot be read. */
  unreadable?: string;
}

/** A line: [source] for one that is gone; [source, size, modified] or [source, size, modified, unreadable] otherwise. */
type Line = [source: string, size?: number, modified?: number, unreadable?: string];

interface FormerLedger {
  settings: string;
  entries: Record<string, { stamp: string; unreadable?: string }>;
}

/** Names of the ledgers in a folder, the one that was written last at the end: its entries take precedence. */
async function findLedgers(data: string): Promise<string[]> {
  const names = (await readdir(data).catch(() => [])).filter((name) => anyLedger.test(name));
  const files = names.map(async (name) => ({ name, modified: (await stat(join(data, name))).mtimeMs }));
  const sorted = (await Promise.all(files)).sort((a, b) => a.modified - b.modified);
  return sorted.map(({ name }) => name);
}

/** The settings that data was last resized with, JSON; undefined where it was not resized, or only by an earlier version. */
export async function lastSettings(data: string): Promise<string | undefined> {
  const newest = (await findLedgers(data)).at(-1);
  if (newest === undefined) return undefined;
  for await (const line of linesOf(join(data, newest))) return line;
  return undefined;
}

function lineOf(source: string, entry?: Entry): string {
  const { size, modified, unreadable } = entry ?? {};
  // JSON would turn undefined into null.
  const line = [source, size, modified, unreadable].filter((value) => value !== undefined);
  return `${JSON.stringify(line)}\n`;
}

function parse(text: string): Line | undefined {
  try {
    const line = JSON.parse(text);
    return Array.isArray(line) && typeof line[0] === 'string' ? (line as Line) : undefined;
  } catch {
    // A line that a crash cut off.
    return undefined;
  }
}

/**
 * Notes in a hidden file of data what became of each source, by its path below rawdata. The format is JSON Lines: the first
 * line has the settings, and of several lines about a source the last one counts. Lines are appended while copies are made,
 * so that a killed run loses only the copies that were in progress. The next run without shards takes over their ledgers.
 */
export class ResizeLedger {
  readonly #data: string;
  readonly #name: string;
  readonly #settings: string;
  readonly #entries = new Map<string, Entry>();
  /** In a shard: the sources in its own file; `#entries` has those of all files. */
  readonly #own: Set<string> | undefined;
  /** Files of shards, which this one replaces. */
  #shards: string[] = [];
  /** Number of lines in the file, without the first. */
  #lines = 0;
  /** Whether the file exists and has these settings. */
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

  /** @param settings JSON; entries that were made with other settings get the size -1. */
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
      if (settings !== undefined) this.#applyLine(text, { isOwn, fits: settings === this.#settings });
      settings ??= text;
    }
    if (isOwn) this.#fits = settings === this.#settings;
    else if (!this.#own) this.#shards.push(name);
  }

  #applyLine(text: string, { isOwn, fits }: { isOwn: boolean; fits: boolean }): void {
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
        // Empty where the copy was made with other settings.
        const [size = -1, modified = 0] = stamp === '' ? [] : stamp.split('-').map(Number);
        const entry = { size: settings === this.#settings ? size : -1, modified };
        this.#entries.set(source, { ...entry, ...(unreadable ? { unreadable } : {}) });
      }
    } catch {
      // Damaged: then all copies are made anew.
    }
  }

  /** Whether the file on the disk has exactly these settings and entries. */
  get fits(): boolean {
    return this.#fits;
  }

  get(source: string): Entry | undefined {
    return this.#entries.get(source);
  }

  entries(): MapIterator<[string, Entry]> {
    return this.#entries.entries();
  }

  /** Opens the file; needed before set, delete and announce. */
  async open(): Promise<void> {
    if (!this.#fits) await this.#rewrite();
    if (!this.#own) await rm(join(this.#data, formerName), { force: true });
    this.#handle = await open(join(this.#data, this.#name), 'a+');
    // End a line that a crash cut off, so that the next one stays separate.
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
   * Notes on the disk that copies of these sources are about to be made, so that they count as copies even if the run is killed.
   * @throws {Error} where it cannot be written.
   */
  async announce(sources: string[]): Promise<void> {
    const isKnown = (entry: Entry | undefined) => entry !== undefined && entry.unreadable === undefined;
    const unknown = sources.filter((source) => !isKnown(this.#entries.get(source)));
    if (unknown.length === 0) return;
    for (const source of unknown) this.set(source, { size: -1, modified: 0 });
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
   * Returns once everything is on the disk. Rewrites the file where more than half of its lines are obsolete.
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
    if (this.#lines > 2 * this.#entryCount) await this.#rewrite();
  }

  /** Number of sources in the file. */
  get #entryCount(): number {
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
    this.#lines = this.#entryCount;
    this.#fits = true;
  }

  *#chunks(): Generator<string> {
    let lines = [`${this.#settings}\n`];
    for (const source of this.#own ?? this.#entries.keys()) {
      lines.push(lineOf(source, this.#entries.get(source)));
      if (lines.length < linesPerWrite) continue;
      yield lines.join('');
      lines = [];
    }
    yield lines.join('');
  }
}
