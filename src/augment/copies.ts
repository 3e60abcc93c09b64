import { join } from 'node:path';
import { reason } from '../errors.ts';
import { generatedNameOf } from '../images/generated.ts';
import { maskNameOf, readMask, writeMask } from './masks.ts';
import { classOf, partnerOf } from './partners.ts';
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

/** All that a copy's choices depend on. */
export function keyOf(seed: number, source: string, copy: number): string {
  return `${seed}/${source}/${copy}`;
}

/** Makes copies of one source. @returns why it cannot be read, if so; then none is made. */
export async function makeCopies(job: Job, { source, copies, mask }: Copies): Promise<string | undefined> {
  const { rawData, seed, longestSide } = job;
  const pipeline = pipelineOf(job, classOf(source));
  let picture: Picture;
  let marks: Awaited<ReturnType<typeof readMask>> | undefined;
  try {
    picture = await decodeSource(join(rawData, source), longestSide);
    marks = await readMaskOf(job, mask, picture);
  } catch (error) {
    return reason(error);
  }
  for (const copy of copies) {
    const changes = samplePipeline(pipeline, keyOf(seed, source, copy), picture);
    const varied = await render(picture, changes, async (mix, size) => {
      const partner = partnerOf(mix, source, job.sources);
      return fitTo(await decodeSource(join(rawData, partner), longestSide), size);
    });
    // The mask first: a copy that is there has its mask.
    if (marks && job.masks) {
      const moved = renderMask(marks, changes, picture);
      await writeMask({ ...marks, ...moved }, join(job.masks, maskNameOf(source, copy)));
    }
    await writePicture(varied, join(rawData, generatedNameOf(source, copy)));
  }
  return undefined;
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
