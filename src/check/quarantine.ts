import { open, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { findPictures } from '../images/find.ts';
import { findGenerated } from '../images/generated.ts';
import { makeFolder, syncFolder } from '../system/files.ts';
import { keepFolderApart } from '../system/keep_apart.ts';
import { areSame, moveSafely, numberedName, pathExists } from '../system/move.ts';
import { type Finding, type Kind, movable } from './kinds.ts';

const manifestName = 'quarantine.jsonl';

/** A line of the manifest, which is synced to disk before the file is moved. */
interface Entry {
  /** Path below the quarantine folder, with '/'. */
  file: string;
  /** Original path, relative to the quarantine folder. */
  origin: string;
  kind: Kind | 'generated';
  why: string;
}

/** The result of {@link quarantine} and {@link restore}. */
export interface Moved {
  moved: { from: string; to: string }[];
  failed: { file: string; reason: string }[];
}

/** Options of {@link quarantine} and {@link restore}. */
export interface QuarantineOptions {
  /** Folder with a subfolder of pictures per class. */
  rawData: string;
  /** Folder of the quarantine. */
  folder: string;
  /** Aborting it stops after the current file. */
  signal?: AbortSignal | undefined;
}

function isWithin(folder: string, file: string): boolean {
  return resolve(file).startsWith(resolve(folder) + sep);
}

async function readManifest(folder: string): Promise<Entry[]> {
  const text = await readFile(join(folder, manifestName), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line): Entry[] => {
    try {
      const entry = JSON.parse(line);
      return typeof entry.file === 'string' && typeof entry.origin === 'string' ? [entry] : [];
    } catch {
      // A torn line: its file has not been moved.
      return [];
    }
  });
}

async function appendToManifest(folder: string, entries: Entry[]): Promise<void> {
  await makeFolder(folder);
  const handle = await open(join(folder, manifestName), 'a');
  try {
    await handle.appendFile(`\n${entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')}`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(folder);
}

/** The files to move for findings of these kinds, each once, with their findings. */
function chooseFiles(findings: Finding[], only: Kind[]): Map<string, Finding> {
  const chosen = new Map<string, Finding>();
  for (const finding of findings) {
    const files = only.includes(finding.kind) ? finding.files : [];
    for (const file of movable[finding.kind] === 'all' ? files : files.slice(1))
      if (!chosen.has(file)) chosen.set(file, finding);
  }
  return chosen;
}

/** Adds the augmented copies of the chosen files, which would still be trained on otherwise. */
async function withCopies(rawData: string, chosen: Map<string, Finding>): Promise<Omit<Entry, 'origin'>[]> {
  const entries: Omit<Entry, 'origin'>[] = [];
  for (const [file, { kind, why }] of chosen) entries.push({ file, kind, why });
  const { classes } = await findPictures(rawData);
  const paths = classes.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  for (const [file, { source }] of await findGenerated(rawData, paths)) {
    if (!chosen.has(source) || chosen.has(file)) continue;
    entries.push({ file, kind: 'generated', why: `made from ${source}` });
  }
  return entries;
}

/** A name in the quarantine that is free, or that an interrupted move of this file already took. */
async function nameFor(folder: string, file: string, from: string, taken: Set<string>): Promise<string> {
  for (let count = 1; ; count++) {
    const name = numberedName(file, count);
    const to = join(folder, name);
    const isFree = !(await pathExists(to)) || (await areSame(from, to).catch(() => false));
    if (isFree && !taken.has(name)) {
      taken.add(name);
      return name;
    }
  }
}

/**
 * Moves the files of findings out of the raw pictures into a quarantine, keeping their class folders. Nothing is deleted
 * or overwritten. A manifest records where each file was and why it was moved, before the move; after an interruption it
 * can be run again.
 * @param only kinds of findings whose files are moved.
 * @throws {UsageError} where the quarantine is inside the raw pictures, or the other way round.
 * @example
 * ```ts
 * import { checkAll, quarantine, restore } from 'bat-sup';
 *
 * const options = { rawData: 'rawdata', folder: 'bad' };
 * const { findings } = await checkAll({ rawData: 'rawdata', width: 100, height: 100, workers: 0 });
 * const { moved } = await quarantine(findings, ['unreadable', 'tiny', 'uniform'], options);
 * for (const { from, to } of moved) console.log(from, to);
 * if (moved.length > 0) await restore(options);
 * ```
 */
export async function quarantine(
  findings: Finding[],
  only: Kind[],
  options: QuarantineOptions,
): Promise<Moved> {
  const { rawData, folder, signal } = options;
  await keepFolderApart(rawData, { option: '--quarantine', path: folder });
  const chosen = await withCopies(rawData, chooseFiles(findings, only));
  const result: Moved = { moved: [], failed: [] };
  if (chosen.length === 0) return result;
  const taken = new Set<string>();
  const entries: Entry[] = [];
  for (const { file, ...rest } of chosen) {
    const from = join(rawData, file);
    const origin = relative(resolve(folder), resolve(from)).replaceAll(sep, '/');
    entries.push({ file: await nameFor(folder, file, from, taken), origin, ...rest });
  }
  await appendToManifest(folder, entries);
  for (const { file, origin } of entries) {
    if (signal?.aborted) break;
    await moveInto(result, join(folder, origin), join(folder, file));
  }
  return result;
}

async function moveInto(result: Moved, from: string, to: string): Promise<void> {
  try {
    await moveSafely(from, to);
    result.moved.push({ from, to });
  } catch (error) {
    result.failed.push({ file: from, reason: reason(error) });
  }
}

/**
 * Moves the files of a quarantine back to where they were. A file whose original path is taken by now stays in the
 * quarantine.
 * @throws {UserError} where the folder is not a quarantine, or belongs to other raw pictures.
 * @example
 * ```ts
 * import { restore, UserError } from 'bat-sup';
 *
 * try {
 *   const { moved, failed } = await restore({ rawData: 'rawdata', folder: 'bad' });
 *   console.log(moved.length, failed);
 * } catch (error) {
 *   if (!(error instanceof UserError)) throw error;
 *   console.log(error.message); // bad holds no quarantine ...
 * }
 * ```
 */
export async function restore({ rawData, folder, signal }: QuarantineOptions): Promise<Moved> {
  const entries = await readManifest(folder);
  if (entries.length === 0)
    throw new UserError(
      `${folder} holds no quarantine (no files in its ${manifestName}); name a folder that --quarantine wrote.`,
    );
  const result: Moved = { moved: [], failed: [] };
  for (const { file, origin } of entries) {
    if (signal?.aborted) return result;
    const [from, to] = [join(folder, file), join(folder, origin)];
    if (!isWithin(folder, from) || !isWithin(rawData, to))
      throw new UserError(
        `${join(folder, manifestName)} names ${to}, which is not below ${rawData}; give --raw-data.`,
      );
    // It was never moved, or is back already.
    if (!(await pathExists(from))) continue;
    await moveInto(result, from, to);
  }
  if (result.failed.length === 0) await removeEmpty(folder, entries);
  return result;
}

/** Removes the manifest and the folders that are empty now. */
async function removeEmpty(folder: string, entries: Entry[]): Promise<void> {
  await rm(join(folder, manifestName), { force: true });
  const folders = new Set<string>([folder]);
  for (const { file } of entries)
    for (let at = dirname(join(folder, file)); isWithin(folder, at); at = dirname(at)) folders.add(at);
  const deepestFirst = [...folders].sort((a, b) => b.length - a.length);
  for (const one of deepestFirst) await rmdir(one).catch(() => {});
}
