import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { temporaryName } from '../../system/files.ts';
import { makeCodec, type Target } from './codec.ts';
import { openJpeg } from './open.ts';

/** One picture's work. */
export interface JpegJob {
  /** A path, or a JPEG's bytes. */
  input: string | Uint8Array;
  target: Target;
  /** Where the result is to be written; without it the answer is the result. */
  output?: string | undefined;
}

/** The result, or that it is written; undefined where the input is not a plain and undamaged JPEG. */
export type JpegAnswer = Uint8Array | true | undefined;

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
export function makeJpegResizer(module: WebAssembly.Module): (jobs: JpegJob[]) => JpegAnswer[] {
  const codec = makeCodec(module);

  function resize({ input, target, output }: JpegJob): JpegAnswer {
    try {
      const jpeg = openJpeg(input);
      if (!jpeg) return undefined;
      const made = codec(jpeg.bytes, jpeg.header, target);
      return made && output !== undefined ? write(output, made) : made;
    } catch {
      return undefined;
    }
  }

  return (jobs) => jobs.map(resize);
}
