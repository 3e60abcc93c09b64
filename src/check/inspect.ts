import { lstat, readFile, stat } from 'node:fs/promises';
import { reason } from '../errors.ts';
import { asUnreadable, decodeWithSharp, openPicture } from '../images/decode.ts';
import { makeJpegPool } from '../images/jpeg/pool.ts';
import { sniff } from '../images/sniff.ts';
import { changeTime } from '../system/change_time.ts';
import { threadModule } from '../system/thread_module.ts';
import { makeJpegInspector } from './inspect_jpegs.ts';
import { type Inspection, inspectPixels, side } from './inspection.ts';
import { decodeAlone, decodeBesideOthers } from './libvips_words.ts';

const inspectJpegs = makeJpegPool(makeJpegInspector, threadModule('./thread', import.meta.url));

/** Size in bytes and time of change of a file; where both are the same, it counts as unchanged. */
export interface Stamp {
  size: number;
  modified: number;
}

const linkReasons: Record<string, string> = {
  ELOOP: 'a link that leads to itself',
  ENOENT: 'a link to nothing',
};

/** The stamp of a file. @throws {Error} that says in a few words why it is not a file. */
export async function stampOf(file: string): Promise<Stamp> {
  const found = await stat(file).catch(async (error) => {
    const isLink = (await lstat(file).catch(() => undefined))?.isSymbolicLink();
    throw new Error((isLink && linkReasons[error.code]) || reason(error));
  });
  if (found.isDirectory()) throw new Error('a folder');
  // Reading a pipe would wait forever.
  if (!found.isFile()) throw new Error('not a file but a device, a pipe or a socket');
  return { size: found.size, modified: changeTime(found) };
}

/**
 * Inspects pictures in one read each: plain JPEGs in a thread, then the others with sharp, one after the other.
 * @returns an inspection of each, or a few words on why it cannot be read.
 */
export async function inspect(files: string[]): Promise<(Inspection | string)[]> {
  const jpegs = await inspectJpegs(files);
  const results: (Inspection | string)[] = [];
  for (const [index, file] of files.entries()) {
    const verdict = jpegs?.[index];
    results.push(typeof verdict === 'object' ? verdict : await inspectBySharp(file, verdict).catch(reason));
  }
  return results;
}

/** Extra bytes before the end, or before a metadata segment, do no harm. */
const harmless = /extraneous bytes before marker 0x(d9|e.|fe)/;

async function inspectBySharp(file: string, verdict?: 'whole' | 'damaged'): Promise<Inspection> {
  const bytes = await readFile(file);
  return asUnreadable(bytes, async () => {
    const picture = await openPicture(bytes);
    // Reading a header clears libvips's messages too, also those about another picture.
    const { autoOrient } = await decodeBesideOthers(() => picture.metadata());
    const raster = { width: side, height: side, channels: 3 } as const;
    const target = { ...raster, fit: 'fill' } as const;
    const kind = sniff(bytes) ?? '';
    let damaged = verdict === 'damaged';
    const isInDoubt = kind === 'JPEG' && verdict === undefined;
    const doubtful = () => decodeWithSharp(bytes, target, { failOn: 'warning' });
    const pixels = await decodeBesideOthers(
      isInDoubt ? doubtful : () => decodeWithSharp(picture, target),
    ).catch(async (error) => {
      if (!isInDoubt) throw error;
      const says = await decodeAlone(() => doubtful().then(() => '', reason));
      damaged = says !== '' && !harmless.test(says);
      return decodeBesideOthers(() => decodeWithSharp(picture, target));
    });
    return inspectPixels(bytes, { kind, ...autoOrient, damaged }, pixels, raster);
  });
}
