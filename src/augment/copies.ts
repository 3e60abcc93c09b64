import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { reason } from '../errors.ts';
import { generatedNameOf } from '../images/generated.ts';
import { sha256OfFile } from '../system/files.ts';
import { maskNameOf, readMask, writeMask } from './masks.ts';
import type { Change } from './operation.ts';
import { classOf, partnerOf, softLabelOf } from './partners.ts';
import { decodeSource, fitTo, type Picture, writePicture } from './picture.ts';
import { type OperationsOfClasses, pipelineOf, samplePipeline } from './pipeline.ts';
import { render, renderMask } from './render.ts';

/** What is the same for every copy; it can be sent to a thread. */
export interface Job extends OperationsOfClasses {
  rawData: string;
  seed: number;
  longestSide: number;
  /** Every source, where some are mixed with others; else none. */
  sources: string[];
  /** Folder of the masks. */
  masks?: string | undefined;
}

/** Copies of one source to make. */
export interface Copies {
  source: string;
  copies: number[];
  /** Path of its mask below the masks' folder. */
  mask?: string | undefined;
}

/** Why a picture has no copies whose names would be longer than names can be. */
export const nameTooLong = 'its name is too long for those of its copies; shorten it';

/** All that a copy's choices depend on. */
export function keyOf(seed: number, source: string, copy: number): string {
  return `${seed}/${source}/${copy}`;
}

/** What became of the copies of a source. */
export interface Outcome {
  /** Why none was made of it: it cannot be read, or has no room in its name. */
  unreadable?: string;
  /** What could not be written: nothing else can be either. */
  unwritable?: string;
}

/** SHA-256 of a file, hexadecimal. */
export async function digestOf(file: string): Promise<string> {
  return (await sha256OfFile(file)).toString('hex');
}

/** The files that go into a copy: its source, those that are mixed in, and its mask. */
export function ingredientsOf(job: Job, source: string, copy: number, mask?: string): string[] {
  // What is mixed in does not depend on the size.
  const changes = job.sources.length > 0 ? changesOf(job, source, copy, { width: 100, height: 100 }) : [];
  const pictures = softLabelOf(changes, source, job.sources)?.sources ?? [source];
  const files = pictures.map((picture) => join(job.rawData, picture));
  return mask && job.masks ? [...files, join(job.masks, mask)] : files;
}

/** What is done to a source for a copy. */
export function changesOf(
  job: Job,
  source: string,
  copy: number,
  size: { width: number; height: number },
): Change[] {
  return samplePipeline(pipelineOf(job, classOf(source)), keyOf(job.seed, source, copy), size);
}

/** Makes copies of one source. Never throws: what fails is told, so that the other copies in hand are ended first. */
export async function makeCopies(job: Job, { source, copies, mask }: Copies): Promise<Outcome> {
  const { rawData, longestSide } = job;
  const file = join(rawData, source);
  const before = await changeOf(file);
  const digests = new Map<string, Promise<string>>();
  const digest = (ingredient: string) => {
    const known = digests.get(ingredient) ?? digestOf(ingredient);
    digests.set(ingredient, known);
    return known;
  };
  let picture: Picture;
  let marks: Awaited<ReturnType<typeof readMask>> | undefined;
  try {
    picture = await decodeSource(file, longestSide);
    marks = await readMaskOf(job, mask, picture);
  } catch (error) {
    return { unreadable: reason(error) };
  }
  for (const copy of copies) {
    const changes = changesOf(job, source, copy, picture);
    let made: string[];
    let varied: Picture;
    try {
      made = await Promise.all(ingredientsOf(job, source, copy, mask).map(digest));
      varied = await render(picture, changes, async (mix, size) => {
        const partner = join(rawData, partnerOf(mix, source, job.sources));
        const decoded = await decodeSource(partner, longestSide).catch((error) => {
          throw new Error(`${partner}, which is mixed in: ${reason(error)}`);
        });
        return fitTo(decoded, size);
      });
    } catch (error) {
      return { unreadable: reason(error) };
    }
    const place = join(rawData, generatedNameOf(source, copy));
    try {
      // The mask first: a copy that is there has its mask.
      if (marks && job.masks) {
        const moved = renderMask(marks, changes, picture);
        await writeMask({ ...marks, ...moved }, join(job.masks, maskNameOf(source, copy)), made);
      }
      await writePicture(varied, place, made);
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      if (code === 'ENAMETOOLONG') return { unreadable: nameTooLong };
      return { unwritable: `${path?.includes('.tmp-') === false ? path : place} (${reason(error)})` };
    }
  }
  if ((await changeOf(file)) === before) return {};
  // What was made is of what it was before, and as new as what it is now.
  for (const copy of copies) await rm(join(rawData, generatedNameOf(source, copy)), { force: true });
  return { unreadable: 'it changed as it was read; run the command again' };
}

/** When a file became what it is, milliseconds; 0 where it is not there. */
export function changeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ ctimeMs }) => ctimeMs,
    () => 0,
  );
}

async function readMaskOf({ masks }: Job, mask: string | undefined, picture: Picture) {
  if (!masks) return undefined;
  if (!mask) throw new Error(`has no mask in ${masks}`);
  const read = await readMask(join(masks, mask)).catch((error) => {
    throw new Error(`its mask ${join(masks, mask)}: ${reason(error)}`);
  });
  const [wide, high] = [read.width / picture.width, read.height / picture.height];
  // A pixel of rounding where a large picture is worked on in a smaller size.
  if (Math.abs(wide - high) > wide / picture.height + high / picture.width)
    throw new Error(`its mask ${join(masks, mask)} is ${read.width} x ${read.height}, another shape`);
  return read;
}
