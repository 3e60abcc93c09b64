import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { search } from '../images/find.ts';
import { piecesOf } from '../system/files.ts';

/** One picture to classify: a file, bytes from stdin, or a name that stands for no file. */
export interface PredictInput {
  name: string;
  /** The picture's bytes, or the path of a file that a worker thread can read itself. */
  read(): Promise<Buffer | string>;
}

/** A regular file; decoding fails where it is something else. */
export function foundInput(file: string): PredictInput {
  return { name: file, read: async () => file };
}

/** Something else, such as a pipe: reading it waits for data. */
function pipeInput(file: string): PredictInput {
  return { name: file, read: () => readFile(file) };
}

function missingInput(name: string, why: string): PredictInput {
  return { name, read: () => Promise.reject(new Error(why)) };
}

/** Whether a file lies in a folder, at any depth. */
export function isBelow(folder: string, file: string): boolean {
  return resolve(file).startsWith(resolve(folder).replace(/[/\\]?$/, sep));
}

/** @param except a folder whose files are left out, unless `name` is the folder or lies in it. */
async function* expand(name: string, except?: string): AsyncGenerator<PredictInput> {
  const isLeftOut = (file: string) =>
    except !== undefined &&
    isBelow(except, file) &&
    resolve(name) !== resolve(except) &&
    !isBelow(except, name);
  const found = await stat(name).catch(() => undefined);
  if (found?.isDirectory()) {
    const { files, skipped } = await search(name);
    const below = (path: string) => `${name.replace(/\/+$/, '')}/${path}`;
    for (const { path, reason } of skipped) yield missingInput(path === '' ? name : below(path), reason);
    if (files.length + skipped.length === 0) yield missingInput(name, 'the folder holds no file');
    for (const file of files.map(below)) if (!isLeftOut(file)) yield foundInput(file);
    return;
  }
  if (found) return yield found.isFile() ? foundInput(name) : pipeInput(name);
  const { glob, hasMagic } = await import('glob');
  if (!hasMagic(name)) return yield missingInput(name, 'there is no such file');
  const files = (await glob(name, { nodir: true })).sort();
  if (files.length === 0) yield missingInput(name, 'no file matches');
  for (const file of files) if (!isLeftOut(file)) yield foundInput(file);
}

async function* decodeText(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
}

async function* listed(chunks: AsyncIterable<Buffer>, end: '\n' | '\0'): AsyncGenerator<PredictInput> {
  for await (const piece of piecesOf(decodeText(chunks), end)) {
    const name = end === '\n' ? piece.replace(/\r$/, '') : piece;
    if (name !== '') yield foundInput(name);
  }
}

/**
 * The pictures listed in a file, in its order. The list may still be growing while its first pictures are classified.
 * @param file the list, or '-' for stdin.
 * @param end what ends each name.
 * @throws {UserError} where the list cannot be read.
 */
export async function* inputsFrom(
  file: string,
  end: '\n' | '\0',
  stdin: AsyncIterable<Buffer> = process.stdin,
): AsyncGenerator<PredictInput> {
  try {
    yield* listed(file === '-' ? stdin : createReadStream(file), end);
  } catch (error) {
    throw new UserError(
      `The list ${file} cannot be read (${reason(error)}); give a file of names, or - for stdin.`,
    );
  }
}

/** A picture is distinguished from a list by its first bytes. */
const headBytes = 512;

/** Text is a list of files, one per line; anything else is a picture. */
async function* fromStdin(stdin: AsyncIterable<Buffer>): AsyncGenerator<PredictInput> {
  const chunks = stdin[Symbol.asyncIterator]();
  const rest: AsyncIterable<Buffer> = { [Symbol.asyncIterator]: () => chunks };
  let head = Buffer.alloc(0);
  while (head.length < headBytes) {
    const next = await chunks.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* whole() {
    yield head;
    yield* rest;
  }
  const isText = head.length > 0 && !head.subarray(0, headBytes).includes(0) && !looksLikeMarkup(head);
  if (isText) return yield* listed(whole(), '\n');
  const parts: Buffer[] = [];
  for await (const part of whole()) parts.push(part);
  yield { name: '-', read: async () => Buffer.concat(parts) };
}

function looksLikeMarkup(bytes: Buffer): boolean {
  return bytes.subarray(0, 64).toString('latin1').trimStart().startsWith('<');
}

/**
 * The pictures that names stand for, in their order: files, folders (with all below), globs, or '-' for stdin (a picture,
 * or a list of files). Reading one fails where its name stands for no file.
 * @param except a folder whose files are left out where a folder around it is searched: they are sorted already.
 */
export async function* predictInputs(
  names: string[],
  { except, stdin = process.stdin }: { except?: string | undefined; stdin?: AsyncIterable<Buffer> } = {},
): AsyncGenerator<PredictInput> {
  for (const name of names) yield* name === '-' ? fromStdin(stdin) : expand(name, except);
}
