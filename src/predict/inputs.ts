import { readFile, stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { glob, hasMagic } from 'glob';
import { readPicture } from '../images/decode.ts';

/** One thing to predict: a file, a picture that came through stdin, or a name that leads nowhere. */
export interface PredictInput {
  name: string;
  read(): Promise<Buffer>;
}

/** A file that was named: a pipe is waited for. */
function fileInput(file: string): PredictInput {
  return { name: file, read: () => readFile(file) };
}

/** A file that was found. */
export function foundInput(file: string): PredictInput {
  return { name: file, read: () => readPicture(file) };
}

function missingInput(name: string, why: string): PredictInput {
  return { name, read: () => Promise.reject(new Error(why)) };
}

async function picturesBelow(folder: string): Promise<string[]> {
  const files = await glob('**/*', { cwd: folder, nodir: true, absolute: false, posix: true });
  return files.sort().map((file) => `${folder.replace(/\/+$/, '')}/${file}`);
}

async function expand(name: string): Promise<PredictInput[]> {
  const found = await stat(name).catch(() => undefined);
  if (found?.isDirectory()) {
    const files = await picturesBelow(name);
    return files.length > 0 ? files.map(foundInput) : [missingInput(name, 'the folder holds no file')];
  }
  if (found) return [fileInput(name)];
  if (!hasMagic(name)) return [missingInput(name, 'there is no such file')];
  const files = (await glob(name, { nodir: true })).sort();
  return files.length > 0 ? files.map(foundInput) : [missingInput(name, 'no file matches')];
}

type ReadStdin = () => Promise<Buffer>;

/** Text is a list of files, a line each; anything else is a picture itself. */
async function fromStdin(readStdin: ReadStdin): Promise<PredictInput[]> {
  const bytes = await readStdin();
  const isText = bytes.length > 0 && !bytes.subarray(0, 512).includes(0) && !looksLikeMarkup(bytes);
  if (!isText) return [{ name: '-', read: async () => bytes }];
  const names = bytes.toString('utf8').split(/\r?\n/).filter(Boolean);
  return names.map((name) => fileInput(name));
}

function looksLikeMarkup(bytes: Buffer): boolean {
  return bytes.subarray(0, 64).toString('latin1').trimStart().startsWith('<');
}

/**
 * The pictures that these names stand for: files, folders (all below), globs, '-' for stdin (one picture,
 * or a list of files). In the order given; a name that leads nowhere fails when it is read.
 */
export async function* predictInputs(
  names: string[],
  readStdin: ReadStdin = () => buffer(process.stdin),
): AsyncGenerator<PredictInput> {
  for (const name of names) yield* name === '-' ? await fromStdin(readStdin) : await expand(name);
}
