import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { writeFileAtomically } from '../system/files.ts';
import { readMark } from './mark.ts';

/**
 * A picture that augment made. The name alone does not prove it: a user's own may be called "trip.aug-2023.jpg". In rawdata a
 * mark in the file does ({@link findGenerated}); in data, whose pictures are encoded anew, a list that resize writes
 * ({@link findGeneratedInData}).
 */
export interface Generated {
  /** Path below rawdata of the picture that it was made from. */
  source: string;
  /** SHA-256 of the files that it was made from, hexadecimal; absent where it has no mark and only its name suggests it. */
  digests?: string[];
}

/** Pictures that augment made are named after their source: bat.png -> bat.png.aug-0003.jpg. */
const generatedName = /^(.+)\.aug-(\d{4,})\.jpg$/;

/** From this number on, a name without a mark counts only where the copy before exists: it may be a year. */
const minDoubtful = 1000;

/** Path of a copy. @param copy number of the copy, from 1. */
export function generatedNameOf(source: string, copy: number): string {
  return `${source}.aug-${String(copy).padStart(4, '0')}.jpg`;
}

/** The source and number in the name of a copy; undefined for any other name. */
export function parseGeneratedName(name: string): { source: string; copy: number } | undefined {
  const [, source, copy] = generatedName.exec(name) ?? [];
  return source === undefined ? undefined : { source, copy: Number(copy) };
}

/** Path of the resized picture: '.jpg' is appended where it is missing, so that a.png and a.jpg do not collide. */
export function copyNameOf(source: string): string {
  return source.endsWith('.jpg') ? source : `${source}.jpg`;
}

/**
 * The pictures whose names look generated: the source is beside them, and the number is not a year.
 * @param exists whether there is a picture with this path.
 */
function generatedByName(
  paths: readonly string[],
  exists: (source: string) => boolean,
): Map<string, Generated> {
  const claims = paths.flatMap((path) => {
    const claim = parseGeneratedName(path);
    return claim && exists(claim.source) ? [{ path, ...claim }] : [];
  });
  const found = new Map<string, Generated>();
  for (const { path, source, copy } of claims.sort((a, b) => a.copy - b.copy))
    if (copy < minDoubtful || found.has(generatedNameOf(source, copy - 1))) found.set(path, { source });
  return found;
}

const settingsName = '.augmented.json';

/** The file with the settings of the last run of augment. */
export function augmentSettingsFile(rawData: string): string {
  return join(rawData, settingsName);
}

/** Version of the settings file since augment marks what it makes. */
export const settingsVersion = 2;

/** Whether settings, JSON or '', are of an earlier version that did not mark what it made. */
export function isBeforeMarks(settings: string): boolean {
  return settings !== '' && !settings.startsWith(`{"version":${settingsVersion},`);
}

/**
 * Finds the pictures in rawdata that augment made. Where the version that marks them has not run, names count: those of
 * pictures whose source is beside them.
 * @param paths of pictures below `rawData`, with '/'.
 * @returns by path.
 */
export async function findGenerated(
  rawData: string,
  paths: readonly string[],
): Promise<Map<string, Generated>> {
  const claims = paths.filter((path) => parseGeneratedName(path));
  if (claims.length === 0) return new Map();
  const settings = await readFile(augmentSettingsFile(rawData), 'utf8').catch(() => '');
  const namesCount = settings === '' || isBeforeMarks(settings);
  return findMarked(rawData, claims, namesCount ? new Set(paths) : new Set());
}

/**
 * Finds the pictures that have augment's mark, and those whose names count.
 * @param sources pictures for whose copies names count.
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

/** For which pictures {@link makeGeneratedList} keeps what the list says. */
interface Kept {
  /** Pictures that cannot be read at the moment. */
  unread: ReadonlySet<string>;
  /** Whether a picture is there and has not changed since its copy in data was made. */
  isUnchanged: (path: string) => boolean;
}

/**
 * Makes the list for data: JSON, the source of each picture that augment made. Undefined where no name looks generated.
 * @param paths of all pictures, below rawdata.
 */
export async function makeGeneratedList(
  folders: { rawData: string; data: string },
  paths: readonly string[],
  { unread, isUnchanged }: Kept,
): Promise<string | undefined> {
  if (![...paths, ...unread].some((path) => parseGeneratedName(path))) return undefined;
  const isReliable = await isListReliable(folders);
  const before = Object.entries(parseList((await readGeneratedList(folders.data)) ?? ''));
  const sources = new Map(before.filter(([path]) => unread.has(path) || (isReliable && isUnchanged(path))));
  const others = paths.filter((path) => !sources.has(path));
  for (const [path, { source }] of await findGenerated(folders.rawData, others)) sources.set(path, source);
  return `${JSON.stringify(Object.fromEntries([...sources].sort()))}\n`;
}

/** Whether the list was made from marks alone, after augment last wrote its settings: before that, names counted. */
async function isListReliable({ rawData, data }: { rawData: string; data: string }): Promise<boolean> {
  const file = augmentSettingsFile(rawData);
  const files = [file, join(data, listName)].map((one) => stat(one));
  const [settings, list] = await Promise.all(files).catch(() => []);
  if (!settings || !list || list.mtimeMs <= settings.mtimeMs) return false;
  return !isBeforeMarks(await readFile(file, 'utf8'));
}

/** The list in data, JSON; undefined where there is none. */
export function readGeneratedList(data: string): Promise<string | undefined> {
  return readFile(join(data, listName), 'utf8').catch(() => undefined);
}

/** Writes the list to data, or removes it. */
export async function writeGeneratedList(data: string, list: string | undefined): Promise<void> {
  const file = join(data, listName);
  if (list === undefined) await rm(file, { force: true });
  else await writeFileAtomically(file, list);
}

/**
 * Finds the pictures in data that augment made. Where data has no list, names count: those of pictures whose source is
 * beside them.
 * @param paths of pictures below `data`, with '/'.
 * @returns path in data of the resized source, by path.
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

/** Sources by the paths of their copies; {} where the list is damaged. */
function parseList(text: string): Record<string, string> {
  try {
    const list = JSON.parse(text);
    const isList = typeof list === 'object' && list !== null && !Array.isArray(list);
    return isList && Object.values(list).every((source) => typeof source === 'string') ? list : {};
  } catch {
    return {};
  }
}
