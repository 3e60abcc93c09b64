import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fingerprintBytes } from '../images/fingerprint.ts';
import { linesOf, syncFolder, temporaryName } from '../system/files.ts';
import { digestBytes } from './inspection.ts';
import type { Inspections } from './inspections.ts';

/** First line of the file; a file with another one is of another version and discarded. */
const header = JSON.stringify({ 'bat-sup check': 2 });
const linesBetweenWrites = 200;

/** [path, bytes, milliseconds, kind, width, height, damaged, uniform, digest, fingerprint], or [..., why it is unreadable]. */
type Line =
  | [string, number, number, string, number, number, 0 | 1, 0 | 1, string, string]
  | [string, number, number, string];

function lineOf(path: string, index: number, known: Inspections): string {
  const stamp = [path, known.size[index], known.modified[index]];
  const result = known.get(index);
  if (typeof result === 'string') return JSON.stringify([...stamp, result]);
  const { kind, width, height, damaged, uniform, digest, fingerprint } = result;
  const texts = [digest, fingerprint].map((bytes) => Buffer.from(bytes).toString('base64'));
  return JSON.stringify([...stamp, kind, width, height, Number(damaged), Number(uniform), ...texts]);
}

function parse(text: string): Line | undefined {
  try {
    const line = JSON.parse(text);
    if (!Array.isArray(line) || typeof line[0] !== 'string') return undefined;
    if (line.length === 4) return line as Line;
    const [digest, fingerprint] = line.slice(8).map((bytes) => Buffer.from(bytes, 'base64').length);
    return digest === digestBytes && fingerprint === fingerprintBytes ? (line as Line) : undefined;
  } catch {
    // A torn line: the check was killed while writing it.
    return undefined;
  }
}

/** Stores the result of a line. */
function store([, size, modified, ...rest]: Line, index: number, known: Inspections): void {
  if (rest.length === 1) {
    known.set(index, { size, modified }, rest[0]);
    return;
  }
  const [kind, width, height, damaged, uniform, digest, fingerprint] = rest;
  known.set(
    index,
    { size, modified },
    {
      kind,
      width,
      height,
      damaged: damaged === 1,
      uniform: uniform === 1,
      digest: Buffer.from(digest, 'base64'),
      fingerprint: Buffer.from(fingerprint, 'base64'),
    },
  );
}

/**
 * Reads the results of earlier checks into `known`.
 * @returns how many lines are obsolete; undefined where there is no such file, or it cannot be used.
 */
async function read(file: string, paths: string[], known: Inspections): Promise<number | undefined> {
  const indexes = new Map(paths.map((path, index) => [path, index]));
  let obsolete: number | undefined;
  try {
    for await (const text of linesOf(file)) {
      if (obsolete === undefined) {
        if (text !== header) return undefined;
        obsolete = 0;
        continue;
      }
      const line = parse(text);
      const index = line && indexes.get(line[0]);
      if (line === undefined || index === undefined || known.size[index] !== -1) obsolete++;
      if (line !== undefined && index !== undefined) store(line, index, known);
    }
  } catch {
    return undefined;
  }
  return obsolete;
}

/**
 * Stores the results of checks in a JSON Lines file that is appended to: a check that is killed loses at most the last few
 * hundred, and a torn line is skipped.
 */
export class Cache {
  readonly #file: string;
  readonly #paths: string[];
  readonly #known: Inspections;
  #obsolete: number | undefined;
  #handle: FileHandle | undefined;
  #waiting: string[] = [];
  #writing: Promise<void> = Promise.resolve();

  /** @param paths of the pictures, in the order of their indices. */
  constructor(file: string, paths: string[], known: Inspections) {
    this.#file = file;
    this.#paths = paths;
    this.#known = known;
  }

  /** Reads the file and opens it for appending. @throws {Error} where it cannot be written; it is read even then. */
  async open(): Promise<void> {
    this.#obsolete = await read(this.#file, this.#paths, this.#known);
    if (this.#obsolete === undefined) await rm(this.#file, { force: true });
    this.#handle = await open(this.#file, 'a');
    // Ends a torn last line.
    await this.#handle.appendFile(this.#obsolete === undefined ? `${header}\n` : '\n');
  }

  add(index: number): void {
    if (!this.#handle) return;
    this.#waiting.push(lineOf(this.#paths[index] as string, index, this.#known));
    if (this.#waiting.length >= linesBetweenWrites) this.#flush();
  }

  #flush(): void {
    const text = this.#waiting.map((line) => `${line}\n`).join('');
    this.#waiting = [];
    // A failure to write, on a full disk for example, only makes the next check slower.
    this.#writing = this.#writing.then(() => this.#handle?.appendFile(text)).catch(() => {});
  }

  async close(): Promise<void> {
    this.#flush();
    await this.#writing;
    await this.#handle?.close();
    if (this.#handle && (this.#obsolete ?? 0) > this.#paths.length + 1000) await this.#rewrite();
  }

  /** Rewrites the file without obsolete lines. */
  async #rewrite(): Promise<void> {
    const temporary = temporaryName(this.#file);
    try {
      const handle = await open(temporary, 'w');
      try {
        await handle.appendFile(`${header}\n`);
        for (let start = 0; start < this.#paths.length; start += 1000) {
          const some = this.#paths.slice(start, start + 1000);
          const lines = some.flatMap((path, at) =>
            this.#known.size[start + at] === -1 ? [] : [`${lineOf(path, start + at, this.#known)}\n`],
          );
          await handle.appendFile(lines.join(''));
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.#file);
      await syncFolder(dirname(this.#file));
    } finally {
      await rm(temporary, { force: true });
    }
  }
}
