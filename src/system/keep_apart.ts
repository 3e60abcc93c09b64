import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { UsageError } from '../errors.ts';

/** An absolute path without links. What is not there yet is below its nearest parent that is. */
export async function realPathOf(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(await realPathOf(parent), basename(absolute));
  }
}

/** Whether a path is a folder itself or lies in it, at any depth; both absolute. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/**
 * Real paths of where the pictures of a folder lie: the folder, and what the links in it lead to; none if it is not
 * there.
 */
export async function placesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  const links = entries?.filter((entry) => entry.isSymbolicLink()) ?? [];
  const paths = entries ? [folder, ...links.map(({ name }) => join(folder, name))] : [];
  return Promise.all(paths.map(realPathOf));
}

/** What is to be written, and the option that names it. */
export interface Target {
  option: string;
  path: string;
}

/**
 * Refuses to write a folder over the raw pictures, into them, or around them: files would be overwritten, or taken for
 * a class. Goes by real paths, so no link and no `..` leads there.
 * @param linked real paths of folders deeper in `rawData` that links lead to, where they are known.
 * @throws {UsageError} naming the option.
 */
export async function keepFolderApart(
  rawData: string,
  target: Target,
  linked: readonly string[] = [],
): Promise<void> {
  await keepPathApart({ rawData, places: [...(await placesOf(rawData)), ...linked] }, target);
}

/** As {@link keepFolderApart}. @param places real paths of all folders of the raw pictures. */
export async function keepPathApart(
  { rawData, places }: { rawData: string; places: readonly string[] },
  { option, path }: Target,
): Promise<void> {
  const real = await realPathOf(path);
  for (const place of places) {
    if (!isWithin(place, real) && !isWithin(real, place)) continue;
    const how = real === place ? 'is the folder of' : isWithin(place, real) ? 'lies in' : 'holds';
    throw new UsageError(`${option} ${path} ${how} the raw pictures (${rawData}); name a folder apart.`);
  }
}

/**
 * Refuses to write a file, or a folder of files, into the folders of the pictures.
 * @throws {UsageError} naming the option.
 */
export async function keepOutputApart(
  { rawData, data }: { rawData: string; data: string },
  { option, path }: Target,
): Promise<void> {
  const real = await realPathOf(path);
  for (const folder of [rawData, data])
    for (const place of await placesOf(folder))
      if (isWithin(place, real))
        throw new UsageError(`${option} ${path} lies in the pictures of ${folder}; name another place.`);
}

interface Folders {
  rawData: string;
  data: string;
  checkpoints: string;
}

/**
 * Refuses to train where data/ or checkpoints/ would be written over pictures, or be classes.
 * @throws {UsageError} naming the option.
 */
export async function keepFoldersApart({ rawData, data, checkpoints }: Folders): Promise<void> {
  await keepFolderApart(rawData, { option: '--data', path: data });
  await keepFolderApart(rawData, { option: '--checkpoints', path: checkpoints });
  if (isWithin(await realPathOf(data), await realPathOf(checkpoints)))
    throw new UsageError(
      `--checkpoints ${checkpoints} lies in --data ${data} and would be a class; name a folder apart.`,
    );
}

/**
 * Refuses raw pictures of which data/ or checkpoints/, where they are there, would be classes.
 * @throws {UsageError} naming --raw-data.
 */
export async function keepClassesApart({ rawData, data, checkpoints }: Folders): Promise<void> {
  const raw = await realPathOf(rawData);
  for (const folder of [data, checkpoints]) {
    if (!isWithin(raw, await realPathOf(folder)) || !existsSync(folder)) continue;
    throw new UsageError(
      `--raw-data ${rawData} holds ${folder}, which would be a class; name the folder of the pictures alone.`,
    );
  }
}
