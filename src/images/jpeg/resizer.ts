import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { temporaryName } from '../../system/files.ts';
import { makeCodec, type Target } from './codec.ts';
import { openJpeg } from './open.ts';

/** A picture to resize. */
export interface JpegJob {
  /** A path, or the bytes of a file. */
  input: string | Uint8Array;
  target: Target;
  /** File to write the result to; without it the answer is the result. */
  output?: string | undefined;
}

/** The result, or true once it is written; undefined where the input is not a plain, undamaged JPEG. */
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

/** Makes the folder only where writing fails: checking each time would cost as much as writing. */
function writeInFolder(file: string, bytes: Uint8Array): void {
  try {
    writeFileSync(file, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
}

/** Makes the function that runs jobs on one thread. Failures are left to sharp, which gives a reason. */
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
