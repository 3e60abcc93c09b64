import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import sharp from 'sharp';
import { mapConcurrently } from '../concurrency.ts';
import { reason, UserError } from '../errors.ts';
import { temporaryName, writeFileAtomically } from '../files.ts';
import { readably } from '../images/decode.ts';
import { type ClassFolder, findPictures } from '../images/find.ts';
import { generatedFrom, generatedNameOf } from '../images/generated.ts';
import type { Operation, Picture } from './operation.ts';
import { chooseOperations } from './operations/index.ts';

export interface AugmentOptions {
  rawData: string;
  /** Pictures a class to make up to, sources included. */
  target: number;
  /** Names of the operations. */
  operations: string[];
  seed: number;
  /** Pictures in flight; 0: two for each core. */
  workers: number;
  /** Longest side of a generated picture, pixels; smaller sources stay as they are. */
  longestSide?: number;
  onProgress?: (done: number, total: number) => void;
}

export interface AugmentReport {
  classes: { name: string; sources: number; generated: number }[];
  made: number;
  kept: number;
  removed: number;
  unreadable: { file: string; reason: string }[];
}

/** The copies that one source is to have. */
interface Work {
  source: string;
  copies: number[];
}

const settingsName = '.augmented.json';

function isSource(picture: string): boolean {
  return generatedFrom(picture) === undefined;
}

async function decode(file: string, longestSide: number): Promise<Picture> {
  const { data, info } = await readably(file, () =>
    sharp(file, { failOn: 'error' })
      .autoOrient()
      .flatten({ background: 'white' })
      .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true }),
  );
  return { data, width: info.width, height: info.height };
}

/** What becomes of a source depends on the seed, its path and the copy's index alone. */
async function vary(picture: Picture, operations: Operation[], key: string): Promise<Picture> {
  let varied = picture;
  for (const operation of operations) {
    const random = seedrandom(`${key}/${operation.name}`);
    if (random() < operation.probability) varied = await operation.apply(varied, operation.sample(random));
  }
  return varied;
}

async function writeCopy({ data, width, height }: Picture, file: string): Promise<void> {
  const temporary = temporaryName(file);
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 92 })
    .toBuffer();
  try {
    await writeFile(temporary, jpeg);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Copies of each source so that the class reaches the target: every source once before any twice. */
export function shareCopies(sources: string[], target: number): Work[] {
  const wanted = Math.max(0, target - sources.length);
  return sources.map((source, index) => {
    const count = Math.floor((wanted + sources.length - 1 - index) / sources.length);
    return { source, copies: Array.from({ length: count }, (_, copy) => copy + 1) };
  });
}

/**
 * Copies made with another seed or other operations would mix with the new ones under the same names, so they go.
 */
async function removeOfOtherSettings(options: AugmentOptions, settings: string): Promise<number> {
  const file = join(options.rawData, settingsName);
  const before = await readFile(file, 'utf8').catch(() => '');
  if (before === settings) return 0;
  const removed = before === '' ? 0 : await cleanAugmented(options.rawData);
  await writeFileAtomically(file, settings);
  return removed;
}

/**
 * Makes every class up to `target` pictures with varied copies of its sources, beside them. Sources are never
 * changed; the same seed and sources give the same files, whatever the workers or interruptions.
 * @throws {UserError} where there are no classes or a class has no readable source.
 */
export async function augmentAll(options: AugmentOptions): Promise<AugmentReport> {
  const { rawData, seed, longestSide = 512 } = options;
  const operations = chooseOperations(options.operations);
  const names = operations.map(({ name }) => name);
  await findPictures(rawData);
  const settings = JSON.stringify({ seed, operations: names, longestSide });
  const removedBefore = await removeOfOtherSettings(options, settings);
  const { classes } = await findPictures(rawData);
  const plans = [];
  const unreadable: AugmentReport['unreadable'] = [];
  for (const one of classes) plans.push(await planClass(one, options, longestSide, unreadable));

  const works = plans.flatMap(({ works }) => works);
  const total = works.reduce((sum, { copies }) => sum + copies.length, 0);
  let done = 0;
  await mapConcurrently(works, options.workers, async ({ source, copies }) => {
    if (copies.length === 0) return;
    const picture = await decode(join(rawData, source), longestSide);
    for (const copy of copies) {
      const varied = await vary(picture, operations, `${seed}/${source}/${copy}`);
      await writeCopy(varied, join(rawData, generatedNameOf(source, copy)));
      options.onProgress?.(++done, total);
    }
  });
  return {
    classes: plans.map(({ report }) => report),
    made: total,
    kept: plans.reduce((sum, { kept }) => sum + kept, 0),
    removed: plans.reduce((sum, { removed }) => sum + removed, removedBefore),
    unreadable,
  };
}

/** Finds what one class lacks, and removes generated pictures that it is not to have. */
async function planClass(
  { name, pictures }: ClassFolder,
  { rawData, target, workers }: AugmentOptions,
  longestSide: number,
  unreadable: AugmentReport['unreadable'],
) {
  const files = pictures.map((picture) => `${name}/${picture}`);
  const existing = new Set(files.filter((file) => !isSource(file)));
  const checked = await mapConcurrently(files.filter(isSource), workers, async (source) => {
    try {
      await decode(join(rawData, source), longestSide);
      return source;
    } catch (error) {
      unreadable.push({ file: join(rawData, source), reason: reason(error) });
      return undefined;
    }
  });
  const sources = checked.filter((source) => source !== undefined);
  if (sources.length === 0) {
    throw new UserError(`${join(rawData, name)} holds no readable picture; add some or remove the folder.`);
  }
  const wanted = shareCopies(sources, target);
  const names = new Set(
    wanted.flatMap(({ source, copies }) => copies.map((copy) => generatedNameOf(source, copy))),
  );
  const surplus = [...existing].filter((file) => !names.has(file));
  for (const file of surplus) await rm(join(rawData, file), { force: true });
  const works = wanted.map(({ source, copies }) => ({
    source,
    copies: copies.filter((copy) => !existing.has(generatedNameOf(source, copy))),
  }));
  return {
    works,
    kept: existing.size - surplus.length,
    removed: surplus.length,
    report: { name, sources: sources.length, generated: names.size },
  };
}

/** Removes every generated picture and nothing else. @returns how many. */
export async function cleanAugmented(rawData: string): Promise<number> {
  const { classes } = await findPictures(rawData);
  const generated = classes.flatMap(({ name, pictures }) =>
    pictures.filter((picture) => !isSource(picture)).map((picture) => join(rawData, name, picture)),
  );
  for (const file of generated) await rm(file, { force: true });
  await rm(join(rawData, settingsName), { force: true });
  return generated.length;
}
