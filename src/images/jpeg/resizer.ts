import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { temporaryName } from '../../files.ts';
import { makeCodec, type Target } from './codec.ts';
import { type JpegHeader, readJpegHeader } from './header.ts';

/** One picture's work for a thread. */
export interface JpegJob {
  /** A path, or a JPEG's bytes. */
  input: string | Uint8Array;
  target: Target;
  /** Where the result is to be written; without it the answer is the result. */
  output?: string | undefined;
}

/** The result, or that it is written; undefined where the input is not a plain and undamaged JPEG. */
export type JpegAnswer = Uint8Array | true | undefined;

// Larger ones are no work for memory of 32 bits.
const mostBytes = 1 << 26;
const mostPixels = 100_000_000;

/** A file's bytes; undefined for what is no file or too large for one of ours. */
function readBytes(file: string): Buffer | undefined {
  // A named pipe that nobody writes to must not be waited for.
  const handle = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = fstatSync(handle);
    if (!stats.isFile() || stats.size > mostBytes) return undefined;
    const bytes = Buffer.allocUnsafe(stats.size);
    for (let read = 0; read < bytes.length; ) {
      const more = readSync(handle, bytes, read, bytes.length - read, null);
      if (more === 0) return undefined;
      read += more;
    }
    return bytes;
  } finally {
    closeSync(handle);
  }
}

function write(output: string, jpeg: Uint8Array): true {
  const temporary = temporaryName(output);
  try {
    writeInFolder(temporary, jpeg);
    renameSync(temporary, output);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return true;
}

/** Most folders are there, and asking each time would cost as much as the writing. */
function writeInFolder(file: string, bytes: Uint8Array): void {
  try {
    writeFileSync(file, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
}

/** Does jobs on one thread. What goes wrong here is left to sharp, which says in words what it is. */
export function makeJpegResizer(module: WebAssembly.Module): (job: JpegJob) => JpegAnswer {
  const codec = makeCodec(module);
  return ({ input, target, output }) => {
    try {
      const bytes =
        typeof input === 'string'
          ? readBytes(input)
          : Buffer.from(input.buffer, input.byteOffset, input.length);
      const header = bytes && readJpegHeader(bytes);
      if (!header || !suits(header, target)) return undefined;
      const made = codec(bytes, header, target);
      return made && output !== undefined ? write(output, made) : made;
    } catch {
      return undefined;
    }
  };
}

/** Larger pictures than the file's, and grey ones of colours, are made as sharp makes those of other formats. */
function suits({ width, height, components }: JpegHeader, target: Target): boolean {
  const becomesGrey = components.length === 3 && target.channels === 1;
  const shrinks = width >= target.width && height >= target.height;
  return shrinks && !becomesGrey && width * height <= mostPixels;
}
