import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { bestOf, checkpointName, foldersIn, listCheckpoints, type RunScan, scan } from './scan.ts';

/** The next free name of a run: run-001, run-002 ... */
export async function nextRunName(checkpoints: string): Promise<string> {
  // All names, not only those of folders: a link to a disk that is not mounted takes a name, too.
  const names = await readdir(checkpoints).catch(() => []);
  const numbers = names.map((name) => Number(/^run-(\d+)$/.exec(name)?.[1] ?? 0));
  return `run-${String(Math.max(0, ...numbers) + 1).padStart(3, '0')}`;
}

/**
 * Whether a run, or any run in a checkpoints folder, has a checkpoint, readable or not. Unfinished ones that a kill left
 * do not count.
 * @throws {UserError} where the folder cannot be read.
 */
export async function hasSaved(folder: string): Promise<boolean> {
  const names = await namesIn(folder);
  if (names.some((name) => checkpointName.test(name))) return true;
  const below = await Promise.all(names.map((name) => namesIn(join(folder, name))));
  return below.flat().some((name) => checkpointName.test(name));
}

/** The names in a folder; [] where it does not exist or is a file. */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error) => {
    if (['ENOENT', 'ENOTDIR'].includes(error.code)) return [];
    throw new UserError(`${folder} cannot be read (${reason(error)}); it may hold checkpoints.`);
  });
}

/** The runs in a checkpoints folder, the one that saved last first. */
async function runsBySaving(checkpoints: string): Promise<(RunScan & { saved: string })[]> {
  const scans = await Promise.all(
    (await foldersIn(checkpoints)).map((name) => scan(join(checkpoints, name))),
  );
  const runs = scans.map((run) => {
    const times = run.checkpoints.map(({ manifest }) => manifest.saved);
    return { ...run, saved: times.sort().at(-1) ?? '' };
  });
  return runs.sort((a, b) => (a.saved < b.saved ? 1 : -1));
}

/**
 * The run in a checkpoints folder that saved last.
 * @param notice called for each run that is skipped because all of its checkpoints are damaged.
 * @throws {UserError} where there is none.
 */
export async function newestRun(
  checkpoints: string,
  notice: (text: string) => void = () => {},
): Promise<string> {
  const runs = await runsBySaving(checkpoints);
  const [newest] = runs;
  if (newest && newest.saved !== '') {
    for (const { run, saved, damaged } of runs)
      if (saved === '' && damaged[0]) notice(`${run} is skipped: ${damaged[0].why}`);
    return newest.run;
  }
  const damaged = runs.flatMap((run) => run.damaged).map(({ why }) => why);
  if (damaged.length > 0)
    throw new UserError(`${checkpoints} holds no intact checkpoint: ${damaged.join('; ')}.`);
  throw new UserError(`${checkpoints} holds no checkpoint; run "bat-sup train" first.`);
}

/**
 * The run in a checkpoints folder with the highest validation accuracy, or mean average precision where it answers several
 * classes, if it is better than that of the chosen
 * checkpoint's run.
 * @param chosen the folder of the chosen checkpoint.
 * @returns `accuracy` of the better run and, as `here`, of the chosen one; undefined where none is better.
 */
export async function betterRun(
  checkpoints: string,
  chosen: string,
): Promise<{ name: string; accuracy: number; here: number; isMultiLabel: boolean } | undefined> {
  const names = await foldersIn(checkpoints);
  const hasOthers = names.length > 1 && names.some((name) => join(checkpoints, name) === dirname(chosen));
  if (!hasOthers) return undefined;
  const runs = names.map(async (name) => {
    const { manifest } = bestOf(await listCheckpoints(join(checkpoints, name))) ?? {};
    const { validationMeanPrecision, validationAccuracy } = manifest?.metrics ?? {};
    const accuracy = validationMeanPrecision ?? validationAccuracy ?? Number.NEGATIVE_INFINITY;
    return { name, accuracy, isMultiLabel: manifest?.model.isMultiLabel };
  });
  const all = await Promise.all(runs);
  // The measure of networks that answer one class is not that of others.
  const kind = all.find(({ name }) => join(checkpoints, name) === dirname(chosen))?.isMultiLabel;
  const byAccuracy = all
    .filter(({ isMultiLabel }) => isMultiLabel === kind)
    .sort((a, b) => b.accuracy - a.accuracy);
  const [best] = byAccuracy;
  const here = byAccuracy.find(({ name }) => join(checkpoints, name) === dirname(chosen))?.accuracy;
  if (!best || here === undefined || !Number.isFinite(here) || best.accuracy <= here) return undefined;
  return { name: best.name, accuracy: best.accuracy, here, isMultiLabel: kind === true };
}
