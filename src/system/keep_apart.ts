import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { UsageError } from '../errors.ts';

/** The absolute path without links. A path that does not exist yet is resolved from its nearest existing parent. */
export async function realPathOf(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(await realPathOf(parent), basename(absolute));
  }
}

/** Whether a path is a folder or inside it, at any depth; both absolute. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/**
 * Real paths of the folders that hold a folder's pictures: itself, and the targets of the links in it. [] if it does not
 * exist.
 */
export async function pictureFoldersOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  const links = entries?.filter((entry) => entry.isSymbolicLink()) ?? [];
  const paths = entries ? [folder, ...links.map(({ name }) => join(folder, name))] : [];
  return Promise.all(paths.map(realPathOf));
}

/** A path to write, and the option that names it. */
export interface Target {
  option: string;
  path: string;
}

/**
 * Refuses to write a folder that is the raw pictures' own, inside it, or around it: files would be overwritten, or become
 * a class. It compares real paths, so links and `..` do not get around it.
 * @param linked real paths that links deeper in `rawData` lead to, if known.
 * @throws {UsageError} that names the option.
 */
export async function keepFolderApart(
  rawData: string,
  target: Target,
  linked: readonly string[] = [],
): Promise<void> {
  await keepPathApart({ rawData, folders: [...(await pictureFoldersOf(rawData)), ...linked] }, target);
}

/** As {@link keepFolderApart}. @param raw.folders real paths of all folders of the raw pictures. */
export async function keepPathApart(
  { rawData, folders }: { rawData: string; folders: readonly string[] },
  { option, path }: Target,
): Promise<void> {
  const real = await realPathOf(path);
  for (const folder of folders) {
    if (!isWithin(folder, real) && !isWithin(real, folder)) continue;
    const how = real === folder ? 'is the folder of' : isWithin(folder, real) ? 'is inside' : 'contains';
    throw new UsageError(`${option} ${path} ${how} the raw pictures (${rawData}); choose a separate folder.`);
  }
}

/**
 * Refuses to write a file, or a folder of files, into the folders of pictures.
 * @throws {UsageError} that names the option.
 */
export async function keepOutputApart(
  { rawData, data }: { rawData: string; data: string },
  { option, path }: Target,
): Promise<void> {
  const real = await realPathOf(path);
  for (const folder of [rawData, data])
    for (const pictures of await pictureFoldersOf(folder))
      if (isWithin(pictures, real))
        throw new UsageError(`${option} ${path} is inside the pictures of ${folder}; choose another path.`);
}

interface Folders {
  rawData: string;
  data: string;
  checkpoints: string;
}

/**
 * Refuses to train if data/ or checkpoints/ would overwrite pictures, or become classes.
 * @throws {UsageError} that names the option.
 */
export async function keepFoldersApart({ rawData, data, checkpoints }: Folders): Promise<void> {
  await keepFolderApart(rawData, { option: '--data', path: data });
  await keepFolderApart(rawData, { option: '--checkpoints', path: checkpoints });
  if (isWithin(await realPathOf(data), await realPathOf(checkpoints)))
    throw new UsageError(
      `--checkpoints ${checkpoints} is inside --data ${data} and would become a class; choose a separate folder.`,
    );
}

/**
 * Refuses a folder of raw pictures in which an existing data/ or checkpoints/ would be a class.
 * @throws {UsageError} that names --raw-data.
 */
export async function keepClassesApart({ rawData, data, checkpoints }: Folders): Promise<void> {
  const raw = await realPathOf(rawData);
  for (const folder of [data, checkpoints]) {
    if (!isWithin(raw, await realPathOf(folder)) || !existsSync(folder)) continue;
    throw new UsageError(
      `--raw-data ${rawData} contains ${folder}, which would become a class; name the folder with the pictures only.`,
    );
  }
}
