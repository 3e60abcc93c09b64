import { basename, dirname } from 'node:path';
import type { Checkpoint } from '../checkpoints/index.ts';
import { defaults, flagsFor, flagsOf } from '../config/index.ts';
import { lastSettings } from '../images/resize_ledger.ts';
import { readRecord } from '../runs/record.ts';
import { parseObject } from '../text/json.ts';

/**
 * A warning where data/ was resized again to another size, fit or number of channels than the checkpoint was trained
 * on, because its metrics then differ from those of the training. Undefined where nothing changed, where data/ was not
 * made by resize, or where the run does not record which folder it was.
 * @param other folder of the pictures; default: the one that was trained on.
 */
export async function describeRemadeData(
  { folder, manifest }: Checkpoint,
  other?: string,
): Promise<string | undefined> {
  const run = dirname(folder);
  const record = await readRecord(run).catch(() => undefined);
  const { rawData, data: trained } = record?.sessions.at(-1)?.settings ?? {};
  const data = other ?? trained;
  if (data === undefined) return undefined;
  const { width, height, channels } = manifest.model;
  const { fit, crop = defaults.crop, filter = defaults.filter } = manifest.preprocessing;
  const size = { width, height, channels, fit, crop, filter };
  const now = parseObject((await lastSettings(data)) ?? '');
  // Copies do not name a crop and a filter that are the defaults.
  const made: Record<string, unknown> = { crop: defaults.crop, filter: defaults.filter, ...now };
  if (!now || Object.entries(size).every(([name, value]) => made[name] === value)) return undefined;
  // The flags are needed because config.ts may ask for the new size.
  const folders = { data, ...(rawData !== undefined && { rawData }) };
  const flags = [
    ...flagsOf(size, ['width', 'height', 'channels', 'fit']),
    ...flagsFor(size, ['crop', 'filter']),
    ...flagsFor(folders),
  ];
  const resize = ['bat-sup resize', ...flags].join(' ');
  return (
    `${data} was resized again after ${basename(run)} was trained, so the metrics may differ from those of the training; ` +
    `"${resize}" restores it.`
  );
}
