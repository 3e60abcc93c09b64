/** rawdata/.augmented.json: the settings with which the generated pictures were made. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { cannotWrite } from '../errors.ts';
import { augmentSettingsFile, settingsVersion } from '../images/generated.ts';
import { writeFileAtomically } from '../system/files.ts';
import { realPathOf } from '../system/keep_apart.ts';
import type { Job } from './copies.ts';
import { describePipeline, parsePipeline, pipelineOf } from './pipeline.ts';

/** The settings of the last run, JSON; '' where augment has not run. */
export function readAugmentSettings(rawData: string): Promise<string> {
  return readFile(augmentSettingsFile(rawData), 'utf8').catch(() => '');
}

/** @throws {UserError} where the file cannot be written. */
export async function writeAugmentSettings(rawData: string, settings: string): Promise<void> {
  const file = augmentSettingsFile(rawData);
  await writeFileAtomically(file, settings).catch((error) => cannotWrite(file, error));
}

/** Everything but the pictures and masks that the copies depend on, as JSON. @param classes names of all classes. */
export async function describeSettings(job: Job, classes: string[]): Promise<string> {
  const { rawData, seed, longestSide, sources, masks } = job;
  const realRawData = await realPathOf(rawData);
  return JSON.stringify({
    version: settingsVersion,
    seed,
    longestSide,
    // Relative to rawdata, so that both folders can be moved or mounted elsewhere.
    maskFolder: masks && relative(realRawData, await realPathOf(masks)),
    operations: describePipeline(parsePipeline(job.operations)),
    classes: Object.fromEntries(
      classes
        .filter((name) => Object.hasOwn(job.classes ?? {}, name))
        .map((name) => [name, describePipeline(pipelineOf(job, name))]),
    ),
    sources: sources.length > 0 ? createHash('sha256').update(sources.join('\n')).digest('hex') : undefined,
  });
}

/**
 * The folder of masks that settings name.
 * @param rawData real path of rawdata.
 * @returns undefined where there is none, or an earlier version kept it as it was typed.
 */
export function maskFolderOf(settings: string, rawData: string): string | undefined {
  try {
    const { maskFolder } = JSON.parse(settings);
    return typeof maskFolder === 'string' ? resolve(rawData, maskFolder) : undefined;
  } catch {
    return undefined;
  }
}
