/** Finds and removes the pictures and masks that augment made, and nothing else. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClassFolder, findPictures } from '../images/find.ts';
import {
  augmentSettingsFile,
  findMarked,
  type Generated,
  isBeforeMarks,
  parseGeneratedName,
} from '../images/generated.ts';
import { writeSoftLabels } from '../images/soft_labels.ts';
import type { Job } from './copies.ts';
import { findGeneratedMasks, isGeneratedMask, maskNameOf } from './masks.ts';
import { readAugmentSettings } from './settings_file.ts';

/** Paths of the pictures of some classes, below rawdata. */
export function pathsOf(folders: ClassFolder[]): string[] {
  return folders.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
}

/**
 * Finds the pictures that augment made: those that it marked, or, where an earlier version ran last, those that are named
 * after a source beside them.
 * @param paths of all pictures.
 */
export async function findGeneratedAmong(rawData: string, paths: string[]): Promise<Map<string, Generated>> {
  const isOld = isBeforeMarks(await readAugmentSettings(rawData));
  const claims = paths.filter((path) => parseGeneratedName(path));
  return findMarked(rawData, claims, new Set(isOld ? paths : []));
}

/** Removes one generated picture and its mask. @param path below rawdata. */
export async function removeGenerated({ rawData, masks }: Job, path: string): Promise<void> {
  await rm(join(rawData, path), { force: true });
  const claim = parseGeneratedName(path);
  if (!masks || !claim) return;
  const mask = join(masks, maskNameOf(claim.source, claim.copy));
  if (await isGeneratedMask(mask)) await rm(mask, { force: true });
}

/**
 * Removes every picture that augment made, its settings and soft labels; the sources stay.
 * @param masks folder whose generated masks are removed too.
 * @returns how many pictures were removed.
 * @throws {UserError} where rawdata has no classes.
 *
 * @example
 * ```ts
 * import { cleanAugmented } from 'bat-sup';
 *
 * console.log(`${await cleanAugmented('rawdata')} generated pictures removed`);
 * ```
 */
export async function cleanAugmented(rawData: string, masks?: string): Promise<number> {
  const generated = await findGeneratedAmong(rawData, pathsOf((await findPictures(rawData)).classes));
  for (const path of generated.keys()) await rm(join(rawData, path), { force: true });
  if (masks) await cleanMasks(masks, new Map([...generated].filter(([, { digests }]) => !digests)));
  await rm(augmentSettingsFile(rawData), { force: true });
  await writeSoftLabels(rawData, {});
  return generated.size;
}

/** @param unmarked generated pictures whose masks have no mark, since earlier versions made them. */
export async function cleanMasks(masks: string, unmarked: ReadonlyMap<string, Generated>): Promise<void> {
  for (const mask of await findGeneratedMasks(masks, unmarked)) await rm(join(masks, mask), { force: true });
}
