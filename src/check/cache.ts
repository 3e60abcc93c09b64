import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fingerprintBytes } from '../images/fingerprint.ts';
import { linesOf, syncFolder, temporaryName } from '../system/files.ts';
import { digestBytes } from './inspection.ts';
import type { Inspections } from './inspections.ts';

/** First line of the file; another one, of another version, makes the file worthless. */
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
    // The last line of a check that was killed while it wrote.
    return undefined;
  }
}

function take([, size, modified, ...rest]: Line, index: number, known: Inspections): void {
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
 * Reads what earlier checks found out into `known`.
 * @returns how many lines the file has that tell nothing any more; undefined where there is no such file, or it cannot
 * be read.
 */
async function read(file: string, paths: string[], known: Inspections): Promise<number | undefined> {
  const indexes = new Map(paths.map((path, index) => [path, index]));
  let dead: number | undefined;
  try {
    for await (const text of linesOf(file)) {
      if (dead === undefined) {
        if (text !== header) return undefined;
        dead = 0;
        continue;
      }
      const line = parse(text);
      const index = line && indexes.get(line[0]);
      if (line === undefined || index === undefined || known.size[index] !== -1) dead++;
      if (line !== undefined && index !== undefined) take(line, index, known);
    }
  } catch {
    return undefined;
  }
  return dead;
}

/**
 * Results of checks in a file of JSON Lines that only grows: a check that is killed loses the last few hundred, and a
 * torn line is passed over.
 */
export class Cache {
  readonly #file: string;
  readonly #paths: string[];
  readonly #known: Inspections;
  #dead: number | undefined;
  #handle: FileHandle | undefined;
  #waiting: string[] = [];
  #writing: Promise<void> = Promise.resolve();

  /** @param paths of the pictures, by index. */
  constructor(file: string, paths: string[], known: Inspections) {
    this.#file = file;
    this.#paths = paths;
    this.#known = known;
  }

  /** @throws {Error} where the file cannot be written to; what it holds is read all the same. */
  async open(): Promise<void> {
    this.#dead = await read(this.#file, this.#paths, this.#known);
    if (this.#dead === undefined) await rm(this.#file, { force: true });
    this.#handle = await open(this.#file, 'a');
    // A torn last line is to end where ours begin.
    await this.#handle.appendFile(this.#dead === undefined ? `${header}\n` : '\n');
  }

  add(index: number): void {
    if (!this.#handle) return;
    this.#waiting.push(lineOf(this.#paths[index] as string, index, this.#known));
    if (this.#waiting.length >= linesBetweenWrites) this.#flush();
  }

  #flush(): void {
    const text = this.#waiting.map((line) => `${line}\n`).join('');
    this.#waiting = [];
    // A full disk costs the cache and nothing else.
    this.#writing = this.#writing.then(() => this.#handle?.appendFile(text)).catch(() => {});
  }

  async close(): Promise<void> {
    this.#flush();
    await this.#writing;
    await this.#handle?.close();
    if (this.#handle && (this.#dead ?? 0) > this.#paths.length + 1000) await this.#rewrite();
  }

  /** Leaves out the lines that tell nothing any more. */
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
