import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { search } from '../images/find.ts';
import { piecesOf } from '../system/files.ts';

/** One thing to predict: a file, a picture that came through stdin, or a name that leads nowhere. */
export interface PredictInput {
  name: string;
  /** A picture's bytes, or the path of a file that a thread can read itself. */
  read(): Promise<Buffer | string>;
}

/** A regular file, or what is refused for not being one. */
export function foundInput(file: string): PredictInput {
  return { name: file, read: async () => file };
}

/** Something else that was named, such as a pipe, which is waited for. */
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

/** @param except a folder whose files are left out, unless it holds what the name stands for. */
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
 * The pictures that a list names, in its order; it may go on growing while its first ones are answered.
 * @param file '-' for stdin.
 * @param end what each name ends with.
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
    throw new UserError(`The list ${file} cannot be read (${reason(error)}); give a file of names or -.`);
  }
}

/** As many bytes as tell a picture from a list. */
const headBytes = 512;

/** Text is a list of files, a line each; anything else is a picture itself. */
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
 * The pictures that these names stand for: files, folders (all below), globs, '-' for stdin (one picture,
 * or a list of files). In the order given; a name that leads nowhere fails when it is read.
 * @param except a folder whose files are left out where another one is searched: they are sorted already.
 */
export async function* predictInputs(
  names: string[],
  { except, stdin = process.stdin }: { except?: string | undefined; stdin?: AsyncIterable<Buffer> } = {},
): AsyncGenerator<PredictInput> {
  for (const name of names) yield* name === '-' ? fromStdin(stdin) : expand(name, except);
}
