import { open, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { findPictures } from '../images/find.ts';
import { findGenerated } from '../images/generated.ts';
import { makeFolder, syncFolder } from '../system/files.ts';
import { keepFolderApart } from '../system/keep_apart.ts';
import { areSame, isThere, moveSafely, numberedName } from '../system/move.ts';
import { type Finding, type Kind, movable } from './kinds.ts';

const manifestName = 'quarantine.jsonl';

/** A line of the manifest, written through to the disk before its file is moved. */
interface Entry {
  /** Path in the quarantine, with '/'. */
  file: string;
  /** Where it was, from the quarantine folder. */
  origin: string;
  kind: Kind | 'generated';
  why: string;
}

export interface Moved {
  moved: { from: string; to: string }[];
  failed: { file: string; reason: string }[];
}

interface Options {
  rawData: string;
  /** Folder of the quarantine. */
  folder: string;
  /** Once aborted, the file in hand is moved and the rest is not. */
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
      // A torn line: its file was not moved yet.
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

/** The files of findings of these kinds that go, each once, and why. */
function chooseFiles(findings: Finding[], only: Kind[]): Map<string, Finding> {
  const chosen = new Map<string, Finding>();
  for (const finding of findings) {
    const files = only.includes(finding.kind) ? finding.files : [];
    for (const file of movable[finding.kind] === 'all' ? files : files.slice(1))
      if (!chosen.has(file)) chosen.set(file, finding);
  }
  return chosen;
}

/** What augment made of them goes along: it would be trained on still. */
async function withCopies(rawData: string, chosen: Map<string, Finding>): Promise<Omit<Entry, 'origin'>[]> {
  const entries: Omit<Entry, 'origin'>[] = [];
  for (const [file, { kind, why }] of chosen) entries.push({ file, kind, why });
  const { classes } = await findPictures(rawData);
  const paths = classes.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  for (const [file, { source }] of await findGenerated(rawData, paths)) {
    if (!chosen.has(source) || chosen.has(file)) continue;
    entries.push({ file, kind: 'generated', why: `made of ${source}` });
  }
  return entries;
}

/** A name in the quarantine that is free, or that an interrupted move of this very file has taken. */
async function placeFor(folder: string, file: string, from: string, taken: Set<string>): Promise<string> {
  for (let count = 1; ; count++) {
    const name = numberedName(file, count);
    const to = join(folder, name);
    const isFree = !(await isThere(to)) || (await areSame(from, to).catch(() => false));
    if (isFree && !taken.has(name)) {
      taken.add(name);
      return name;
    }
  }
}

/**
 * Moves the files of findings out of the raw pictures into a folder of their own, in folders of their classes. Nothing
 * is deleted or overwritten. The manifest says where each was and why it went, before it goes; cut off, it can be run
 * again.
 * @param only kinds of findings whose files are moved.
 * @throws {UsageError} for a folder that is not apart from the raw pictures.
 */
export async function quarantine(findings: Finding[], only: Kind[], options: Options): Promise<Moved> {
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
    entries.push({ file: await placeFor(folder, file, from, taken), origin, ...rest });
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
 * Moves everything of a quarantine back to where it was. What cannot go back, since something else is there now, stays
 * in the quarantine, and so does its line of the manifest.
 * @throws {UserError} for a folder that is no quarantine, or one of other raw pictures.
 */
export async function restore({ rawData, folder, signal }: Options): Promise<Moved> {
  const entries = await readManifest(folder);
  if (entries.length === 0)
    throw new UserError(
      `${folder} holds no ${manifestName} with files in it; name a folder of --quarantine.`,
    );
  const result: Moved = { moved: [], failed: [] };
  for (const { file, origin } of entries) {
    if (signal?.aborted) return result;
    const [from, to] = [join(folder, file), join(folder, origin)];
    if (!isWithin(folder, from) || !isWithin(rawData, to))
      throw new UserError(
        `${join(folder, manifestName)} names ${to}, which is not below ${rawData}; give --raw-data.`,
      );
    // Never moved, or back already.
    if (!(await isThere(from))) continue;
    await moveInto(result, from, to);
  }
  if (result.failed.length === 0) await removeEmpty(folder, entries);
  return result;
}

/** The manifest and the folders that held the files; what else is in them keeps them. */
async function removeEmpty(folder: string, entries: Entry[]): Promise<void> {
  await rm(join(folder, manifestName), { force: true });
  const folders = new Set<string>([folder]);
  for (const { file } of entries)
    for (let at = dirname(join(folder, file)); isWithin(folder, at); at = dirname(at)) folders.add(at);
  const deepestFirst = [...folders].sort((a, b) => b.length - a.length);
  for (const one of deepestFirst) await rmdir(one).catch(() => {});
}
