import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { reason } from '../errors.ts';
import { generatedNameOf } from '../images/generated.ts';
import { changeTimeOf } from '../system/change_time.ts';
import { sha256OfFile } from '../system/files.ts';
import { type Mask, maskNameOf, readMask, writeMask } from './masks.ts';
import type { Change, MixChange, Size } from './operation.ts';
import { choosePartner, classOf, softLabelOf } from './partners.ts';
import { decodeSource, type Picture, stretchTo, writePicture } from './picture.ts';
import { type OperationsOfClasses, pipelineOf, samplePipeline } from './pipeline.ts';
import { render, renderMask } from './render.ts';

/** What is the same for every copy. It can be sent to a thread. */
export interface Job extends OperationsOfClasses {
  rawData: string;
  seed: number;
  /** Longest side of a copy before its operations, pixels. */
  longestSide: number;
  /** Paths of all sources below rawdata where an operation mixes them; else none. */
  sources: string[];
  /** Folder of the masks. */
  masks?: string | undefined;
}

/** Copies of one source to make. */
export interface Copies {
  /** Path below rawdata. */
  source: string;
  /** Numbers of the copies, from 1. */
  copies: number[];
  /** Path of the source's mask below the folder of masks. */
  mask?: string | undefined;
}

/** What became of the copies of a source: {} where all are made. */
export interface Outcome {
  /** Why copies of this source cannot be made. */
  unreadable?: string;
  /** Which file could not be written, and why: then no other can be either. */
  unwritable?: string;
}

/** Why a picture has no copies where their names would be too long for the disk. */
export const nameTooLong = 'its name is too long for those of its copies; shorten it';

/** The seed of a copy's random choices. */
export function keyOf(seed: number, source: string, copy: number): string {
  return `${seed}/${source}/${copy}`;
}

/** SHA-256 of a file, hexadecimal. */
export async function digestOf(file: string): Promise<string> {
  return (await sha256OfFile(file)).toString('hex');
}

/** For what does not depend on the size of the picture: whether and with what a copy is mixed. */
const anySize: Size = { width: 100, height: 100 };

/** The random choices for a copy. */
function changesOf(job: Job, source: string, copy: number, size: Size): Change[] {
  return samplePipeline(pipelineOf(job, classOf(source)), keyOf(job.seed, source, copy), size);
}

/** The label of a copy; undefined where no other source is mixed into it. */
export function labelOfCopy(job: Job, source: string, copy: number) {
  if (job.sources.length === 0) return undefined;
  return softLabelOf(changesOf(job, source, copy, anySize), source, job.sources);
}

/** The files that a copy is made from: its source, those that are mixed in, and its mask. */
export function inputsOf(job: Job, source: string, copy: number, mask?: string): string[] {
  const pictures = labelOfCopy(job, source, copy)?.sources ?? [source];
  const files = pictures.map((picture) => join(job.rawData, picture));
  return mask && job.masks ? [...files, join(job.masks, mask)] : files;
}

/** Calls the function once for each file. */
export function memoise<T>(ask: (file: string) => Promise<T>): (file: string) => Promise<T> {
  const answers = new Map<string, Promise<T>>();
  return (file) => {
    const answer = answers.get(file) ?? ask(file);
    answers.set(file, answer);
    return answer;
  };
}

/**
 * Makes copies of one source. Never throws: it returns what failed, so that the copies in progress on other threads are
 * finished first.
 */
export async function makeCopies(job: Job, { source, copies, mask: maskPath }: Copies): Promise<Outcome> {
  const { rawData, longestSide } = job;
  const file = join(rawData, source);
  const before = await changeTimeOf(file);
  const digest = memoise(digestOf);
  let picture: Picture;
  let mask: Mask | undefined;
  try {
    picture = await decodeSource(file, longestSide);
    mask = await readMaskOf(job, maskPath, picture);
  } catch (error) {
    return { unreadable: reason(error) };
  }
  for (const copy of copies) {
    const changes = changesOf(job, source, copy, picture);
    let digests: string[];
    let varied: Picture;
    try {
      digests = await Promise.all(inputsOf(job, source, copy, maskPath).map(digest));
      varied = await render(picture, changes, (mix, size) => decodePartner(job, { mix, source }, size));
    } catch (error) {
      return { unreadable: reason(error) };
    }
    const output = join(rawData, generatedNameOf(source, copy));
    try {
      // The mask first, so that every copy on the disk has its mask.
      if (mask && job.masks) {
        const moved = renderMask(mask, changes, picture);
        await writeMask({ ...mask, ...moved }, join(job.masks, maskNameOf(source, copy)), digests);
      }
      await writePicture(varied, output, digests);
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      if (code === 'ENAMETOOLONG') return { unreadable: nameTooLong };
      return { unwritable: `${path?.includes('.tmp-') === false ? path : output} (${reason(error)})` };
    }
  }
  if ((await changeTimeOf(file)) === before) return {};
  // The copies were made from the old contents, but would look newer than the new ones.
  for (const copy of copies) await rm(join(rawData, generatedNameOf(source, copy)), { force: true });
  return { unreadable: 'it changed while it was read; run the command again' };
}

/** @throws {Error} naming the other source where it cannot be read. */
async function decodePartner(
  { rawData, sources, longestSide }: Job,
  { mix, source }: { mix: MixChange; source: string },
  size: Size,
): Promise<Picture> {
  const partner = join(rawData, choosePartner(mix, source, sources));
  const decoded = await decodeSource(partner, longestSide).catch((error) => {
    throw new Error(`${partner}, which is mixed in: ${reason(error)}`);
  });
  return stretchTo(decoded, size);
}

/** @throws {Error} where the source has no mask, or it cannot be read or has another shape than the picture. */
async function readMaskOf(
  { masks }: Job,
  mask: string | undefined,
  picture: Size,
): Promise<Mask | undefined> {
  if (!masks) return undefined;
  if (!mask) throw new Error(`has no mask in ${masks}`);
  const file = join(masks, mask);
  const read = await readMask(file).catch((error) => {
    throw new Error(`its mask ${file}: ${reason(error)}`);
  });
  const [wide, high] = [read.width / picture.width, read.height / picture.height];
  // A large picture is shrunk before its operations, which may round its size by a pixel.
  if (Math.abs(wide - high) > wide / picture.height + high / picture.width)
    throw new Error(`its mask ${file} is ${read.width} x ${read.height}, another shape`);
  return read;
}
