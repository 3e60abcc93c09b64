import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { type Generated, generatedNameOf, parseGeneratedName } from '../images/generated.ts';
import { changeTimeOf } from '../system/change_time.ts';
import { digestOf, inputsOf, type Job, memoise } from './copies.ts';
import { findNameClashes, maskNameOf } from './masks.ts';
import type { KnownCopies } from './plan.ts';

/**
 * Finds out which copies are there and up to date.
 * @param pictures paths of all pictures below rawdata.
 * @param generated those that augment made.
 * @param masks path of each source's mask below the folder of masks.
 */
export async function surveyCopies(
  job: Job,
  pictures: string[],
  generated: Map<string, Generated>,
  masks: Map<string, string>,
): Promise<KnownCopies> {
  const existing = new Set(pictures);
  const outdated = await findOutdated(job, generated, masks);
  const takenMasks = new Set(job.masks ? await findNameClashes(job.masks) : []);
  const hasMask = (source: string, copy: number) =>
    job.masks === undefined || existsSync(join(job.masks, maskNameOf(source, copy)));
  return {
    generated,
    has(source, copy) {
      const name = generatedNameOf(source, copy);
      return generated.has(name) && !outdated.has(name) && hasMask(source, copy);
    },
    isTaken(source, copy) {
      const name = generatedNameOf(source, copy);
      return (existing.has(name) && !generated.has(name)) || takenMasks.has(maskNameOf(source, copy));
    },
  };
}

/** Finds the copies of which the source, what is mixed in or the mask has changed since. */
async function findOutdated(
  job: Job,
  generated: Map<string, Generated>,
  masks: Map<string, string>,
): Promise<Set<string>> {
  const [changeTime, digest] = [memoise(changeTimeOf), memoise(digestOf)];
  const outdated = new Set<string>();
  await mapConcurrently([...generated], 0, async ([path, { source, digests: before = [] }]) => {
    const { copy } = parseGeneratedName(path) as { copy: number };
    const inputs = inputsOf(job, source, copy, masks.get(source));
    const { mtimeMs } = await stat(join(job.rawData, path)).catch(() => ({ mtimeMs: 0 }));
    const changed = await Promise.all(inputs.map(changeTime));
    // A copy that is newer than all of its inputs is up to date; otherwise compare their contents.
    if (inputs.length === before.length && changed.every((time) => time < mtimeMs)) return;
    const now = await Promise.all(inputs.map((file) => digest(file).catch(() => '')));
    if (now.join() !== before.join()) outdated.add(path);
  });
  return outdated;
}
