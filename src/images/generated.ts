import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { writeFileAtomically } from '../system/files.ts';
import { readMark } from './mark.ts';

/**
 * Which pictures augment made. A name alone does not tell: a user's own may be called "trip.aug-2023.jpg". In rawdata
 * the mark in the file tells ({@link findGenerated}); in data, whose pictures are encoded anew, a list that resize
 * writes ({@link findGeneratedInData}).
 */
export interface Generated {
  /** The picture that it was made of, a path below rawdata. */
  source: string;
  /** SHA-256 of what went into it, hexadecimal; absent where only its name tells that it was generated. */
  digests?: string[];
}

/** Pictures that augment made are named after their source: bat.png -> bat.png.aug-0003.jpg. */
const generatedName = /^(.+)\.aug-(\d{4,})\.jpg$/;

/** Copies from this number on are only believed by their name where the one before is there: it may be a year. */
const leastDoubtful = 1000;

/** @param copy index of the copy, from 1. */
export function generatedNameOf(source: string, copy: number): string {
  return `${source}.aug-${String(copy).padStart(4, '0')}.jpg`;
}

/** The source and the number that a name claims; undefined where it is no name of augment's. */
export function parseGeneratedName(name: string): { source: string; copy: number } | undefined {
  const [, source, copy] = generatedName.exec(name) ?? [];
  return source === undefined ? undefined : { source, copy: Number(copy) };
}

/** Name of the resized copy: '.jpg' appended where it is not there, so that a.png and a.jpg stay two. */
export function copyNameOf(source: string): string {
  return source.endsWith('.jpg') ? source : `${source}.jpg`;
}

/**
 * The pictures that their names alone give away: the source is beside them, and the number is no year.
 * @param isThere whether there is a source.
 */
function generatedByName(
  paths: readonly string[],
  isThere: (source: string) => boolean,
): Map<string, Generated> {
  const claims = paths.flatMap((path) => {
    const claim = parseGeneratedName(path);
    return claim && isThere(claim.source) ? [{ path, ...claim }] : [];
  });
  const found = new Map<string, Generated>();
  for (const { path, source, copy } of claims.sort((a, b) => a.copy - b.copy))
    if (copy < leastDoubtful || found.has(generatedNameOf(source, copy - 1))) found.set(path, { source });
  return found;
}

const settingsName = '.augmented.json';

/** Where augment keeps with which settings it made what is there. */
export function augmentSettingsFile(rawData: string): string {
  return join(rawData, settingsName);
}

/** Augment's settings have this since it marks what it makes. */
export const settingsVersion = 2;

/** Whether augment's settings, JSON or '', are of the time when it did not mark what it made. */
export function isBeforeMarks(settings: string): boolean {
  return settings !== '' && !settings.startsWith(`{"version":${settingsVersion},`);
}

/**
 * The pictures below rawdata that augment made, by their paths. Where it has not run here since it marks them, the name
 * is believed of those whose source is beside them.
 * @param paths of pictures below `rawData`, with '/'.
 */
export async function findGenerated(
  rawData: string,
  paths: readonly string[],
): Promise<Map<string, Generated>> {
  const claims = paths.filter((path) => parseGeneratedName(path));
  if (claims.length === 0) return new Map();
  const settings = await readFile(augmentSettingsFile(rawData), 'utf8').catch(() => '');
  const isNameBelieved = settings === '' || isBeforeMarks(settings);
  return findMarked(rawData, claims, isNameBelieved ? new Set(paths) : new Set());
}

/**
 * Those of some pictures that have augment's mark, and those whose names are believed.
 * @param sources pictures whose copies are believed by their names.
 */
export async function findMarked(
  rawData: string,
  paths: readonly string[],
  sources: ReadonlySet<string>,
): Promise<Map<string, Generated>> {
  const byName = generatedByName(paths, (source) => sources.has(source));
  const found = await mapConcurrently(paths, 0, async (path): Promise<[string, Generated][]> => {
    const claim = parseGeneratedName(path);
    const digests = claim && (await readMark(join(rawData, path)));
    const generated = digests ? { source: claim.source, digests } : byName.get(path);
    return generated ? [[path, generated]] : [];
  });
  return new Map(found.flat());
}

const listName = '.generated.json';

/** Of which pictures {@link makeGeneratedList} takes the word of data's list of before. */
interface Listed {
  /** Pictures that cannot be read now. */
  unread: ReadonlySet<string>;
  /** Whether a picture is there, and is what it was when its copy in data was made. */
  isUnchanged: (path: string) => boolean;
}

/**
 * What resize writes to data: which of its pictures augment made; undefined where none is named as if it had.
 * @param paths of all pictures, below rawdata.
 */
export async function makeGeneratedList(
  folders: { rawData: string; data: string },
  paths: readonly string[],
  { unread, isUnchanged }: Listed,
): Promise<string | undefined> {
  if (![...paths, ...unread].some((path) => parseGeneratedName(path))) return undefined;
  const isValid = await isListValid(folders);
  const before = Object.entries(parseList((await readGeneratedList(folders.data)) ?? ''));
  const sources = new Map(before.filter(([path]) => unread.has(path) || (isValid && isUnchanged(path))));
  const others = paths.filter((path) => !sources.has(path));
  for (const [path, { source }] of await findGenerated(folders.rawData, others)) sources.set(path, source);
  return `${JSON.stringify(Object.fromEntries([...sources].sort()))}\n`;
}

/** Whether data's list is of marks alone: names may be believed until augment next notes its settings. */
async function isListValid({ rawData, data }: { rawData: string; data: string }): Promise<boolean> {
  const file = augmentSettingsFile(rawData);
  const files = [file, join(data, listName)].map((one) => stat(one));
  const [settings, list] = await Promise.all(files).catch(() => []);
  if (!settings || !list || list.mtimeMs <= settings.mtimeMs) return false;
  return !isBeforeMarks(await readFile(file, 'utf8'));
}

export function readGeneratedList(data: string): Promise<string | undefined> {
  return readFile(join(data, listName), 'utf8').catch(() => undefined);
}

export async function writeGeneratedList(data: string, list: string | undefined): Promise<void> {
  const file = join(data, listName);
  if (list === undefined) await rm(file, { force: true });
  else await writeFileAtomically(file, list);
}

/**
 * The pictures below data that augment made, and the picture there that is resized from their source. Where data has
 * no list of them, the name is believed of those whose source is beside them.
 * @param paths of pictures below `data`, with '/'.
 */
export async function findGeneratedInData(
  data: string,
  paths: readonly string[],
): Promise<Map<string, string>> {
  const generated = new Map<string, string>();
  const text = await readGeneratedList(data);
  if (text !== undefined) {
    const listed: Record<string, string> = parseList(text);
    for (const path of paths)
      if (Object.hasOwn(listed, path)) generated.set(path, copyNameOf(listed[path] as string));
    return generated;
  }
  const claims = paths.filter((path) => parseGeneratedName(path));
  if (claims.length === 0) return generated;
  const all = new Set(paths);
  const byName = generatedByName(claims, (source) => all.has(copyNameOf(source)));
  for (const [path, { source }] of byName) generated.set(path, copyNameOf(source));
  return generated;
}

/** The sources by the paths of their copies. */
function parseList(text: string): Record<string, string> {
  try {
    const list = JSON.parse(text);
    const isList = typeof list === 'object' && list !== null && !Array.isArray(list);
    return isList && Object.values(list).every((source) => typeof source === 'string') ? list : {};
  } catch {
    return {};
  }
}
