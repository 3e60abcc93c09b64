import { basename, dirname } from 'node:path';
import type { Checkpoint } from '../checkpoints/index.ts';
import { flagsFor, flagsOf } from '../config/index.ts';
import { lastSettings } from '../images/resize_ledger.ts';
import { readRecord } from '../runs/record.ts';
import { parseObject } from '../text/json.ts';

/**
 * What to say where data/ has since been made anew in another size, fit or number of channels than a checkpoint was
 * trained on: figures of its pictures are not those of the training. Undefined where it is as it was, or came from
 * elsewhere, or the run's record does not tell where it is.
 * @param other folder of the pictures, where it is another than training was told.
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
  const size = { width, height, channels, fit: manifest.preprocessing.fit };
  const now = parseObject((await lastSettings(data)) ?? '');
  if (!now || Object.entries(size).every(([name, value]) => now[name] === value)) return undefined;
  // config.ts may ask for another size, which is why it was made anew.
  const folders = { data, ...(rawData !== undefined && { rawData }) };
  const flags = [...flagsOf(size, ['width', 'height', 'channels', 'fit']), ...flagsFor(folders)];
  const resize = ['bat-sup resize', ...flags].join(' ');
  return (
    `${data} has been resized anew since ${basename(run)} was trained, so figures may differ from its own; ` +
    `"${resize}" makes it as it was.`
  );
}
