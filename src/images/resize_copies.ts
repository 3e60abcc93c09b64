import { rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { checkShared, dealOut, type World } from '../cluster/index.ts';
import { reason, UserError } from '../errors.ts';
import { usableCores } from '../system/cores.ts';
import { makeFolder, temporaryName } from '../system/files.ts';
import { asUnreadable, decodeWithSharp } from './decode.ts';
import { copyNameOf } from './generated.ts';
import { resizeJpeg } from './jpeg/index.ts';
import type { Entry } from './resize_ledger.ts';
import { foldersOf, jpegQuality, type ResizeOptions, type ResizePlan, type Source } from './resize_plan.ts';

/** Errors of the disk that is written to, which are not the picture's fault. */
const diskErrors = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE']);

/** Sources that a rank of a cluster gets at a time. */
const sourcesPerDeal = 500;

/** @throws {Error} where the source cannot be read, or the copy cannot be written. */
async function makeCopy({ path, collidesWith }: Source, options: ResizeOptions): Promise<void> {
  if (collidesWith) throw new Error(`its copy would have the name of ${collidesWith}; rename one of them`);
  const input = join(options.rawData, path);
  const output = join(options.data, copyNameOf(path));
  const { width, height, channels, fit, crop, filter } = options;
  const target = { width, height, channels, fit, crop, filter, quality: jpegQuality };
  if (await resizeJpeg({ input, target, output })) return;
  await makeFolder(dirname(output));
  const temporary = temporaryName(output);
  const picture = await asUnreadable(input, () => decodeWithSharp(input, target));
  try {
    await writeFile(temporary, picture);
    await rename(temporary, output);
  } catch (error) {
    const isTooLong = (error as NodeJS.ErrnoException).code === 'ENAMETOOLONG';
    throw isTooLong ? new Error('the name is too long for its copy; rename it') : error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function removeCopy(data: string, source: string): Promise<void> {
  await rm(join(data, copyNameOf(source)), { force: true }).catch((error) => {
    // A copy with such a name cannot exist.
    if (error.code !== 'ENAMETOOLONG') throw error;
  });
}

/** Removes the copies of sources that are gone, and the folders that become empty. */
export async function removeOrphans(
  { ledger, orphans, isSource, emptyFolders }: ResizePlan,
  { data }: ResizeOptions,
): Promise<void> {
  const folders = new Set<string>(emptyFolders);
  await mapConcurrently(orphans, 0, async (source) => {
    // Where two sources shared the name of a copy, it may be that of the other one.
    const isMade = ledger.get(source)?.unreadable === undefined;
    if (isMade && !isSource(copyNameOf(source))) await removeCopy(data, source);
    ledger.delete(source);
    for (const folder of foldersOf(source)) folders.add(join(data, folder));
  });
  const deepestFirst = [...folders].sort((a, b) => b.length - a.length);
  // Fails for folders that are not empty, which should stay.
  for (const folder of deepestFirst) await rmdir(folder).catch(() => {});
}

/** Called with what the ledger should say of a source once its copy is made, or has failed. */
type OnCopied = (source: Source, entry: Entry) => void;

/** @throws {UserError} where the disk refuses a copy; those in progress are finished first. */
async function copyAll(sources: Source[], options: ResizeOptions, onCopied: OnCopied): Promise<void> {
  const { data, workers, signal } = options;
  let failure: UserError | undefined;
  const atOnce = workers || 8 * usableCores();
  await mapConcurrently(sources, atOnce, async (source) => {
    if (signal?.aborted || failure) return;
    const { path, size, modified, collidesWith } = source;
    try {
      await makeCopy(source, options);
      onCopied(source, { size, modified });
    } catch (error) {
      if (diskErrors.has((error as NodeJS.ErrnoException).code ?? '')) {
        failure ??= new UserError(`${join(data, copyNameOf(path))} cannot be written: ${reason(error)}`);
        return;
      }
      if (!collidesWith) await removeCopy(data, path);
      onCopied(source, { size, modified, unreadable: reason(error) });
    }
  });
  if (failure) throw failure;
}

/** Shares the work among the ranks of a cluster. @param stale rank 0's; the others take it from there. */
export async function copyOnRanks(
  world: World,
  stale: Source[],
  options: ResizeOptions,
  onCopied: OnCopied,
): Promise<void> {
  await checkShared(world, options.data);
  const dealing = { atOnce: sourcesPerDeal, signal: options.signal };
  const results = dealOut(world, await world.share(stale), dealing, async (sources) => {
    const entries = new Map<Source, Entry>();
    await copyAll(sources, options, (source, entry) => entries.set(source, entry));
    return sources.map((source) => ({ source, entry: entries.get(source) }));
  });
  for await (const { source, entry } of results) if (entry) onCopied(source, entry);
}

/**
 * Makes the copies that are missing or stale, and notes each in the ledger.
 * @returns how many were made, and whether all are done.
 */
export async function makeCopies({ ledger, stale }: ResizePlan, options: ResizeOptions) {
  const { world, onProgress } = options;
  let [done, made] = [0, 0];
  const onCopied: OnCopied = ({ path }, entry) => {
    ledger.set(path, entry);
    if (entry.unreadable === undefined) made++;
    done++;
    onProgress?.(done, stale.length);
  };
  if (world) await copyOnRanks(world, stale, options, onCopied);
  else await copyAll(stale, options, onCopied);
  return { made, finished: done === stale.length };
}
