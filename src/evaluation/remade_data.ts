import { basename, dirname } from 'node:path';
import type { Checkpoint } from '../checkpoints/index.ts';
import { flagsFor } from '../config/index.ts';
import { copySettings } from '../images/resize.ts';
import { ResizeLedger } from '../images/resize_ledger.ts';
import { readHeldBack } from '../runs/held_back.ts';

/**
 * What to say where data/ has since been made anew in another size, fit or number of channels than a checkpoint was
 * trained on: figures of its pictures are not those of the training. Undefined where it is as it was, or came from
 * elsewhere.
 * @param data folder of the pictures, where it is another than training was told.
 */
export async function describeRemadeData(
  { folder, manifest }: Checkpoint,
  data?: string,
): Promise<string | undefined> {
  const place = data ?? (await readHeldBack(dirname(folder)))?.data;
  if (place === undefined) return undefined;
  const { width, height, channels } = manifest.model;
  const size = { width, height, channels, fit: manifest.preprocessing.fit };
  const ledger = await ResizeLedger.read(place, copySettings(size));
  if (![...ledger.entries()].some(([, { size: bytes }]) => bytes === -1)) return undefined;
  const resize = ['bat-sup resize', ...flagsFor({ ...size, data: place })].join(' ');
  return (
    `${place} has been resized anew since ${basename(dirname(folder))} was trained, so figures may differ from its own; ` +
    `"${resize}" makes it as it was.`
  );
}
