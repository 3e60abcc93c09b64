import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bin } from '../../test/helpers/bin.ts';
import { temporaryFolder } from '../../test/helpers/folder.ts';
import { timeNode } from '../measure/command.ts';
import { photographs } from './photographs.ts';

const installed = fileURLToPath(new URL('../../.cache/xdg/bat-sup', import.meta.url));

/** Different photographs; beyond these, further links to them. */
export const maxPhotographs = 600;

const folders = new Map<number, string>();

/** A folder with links to so many JPEGs of 640 x 480 in rawdata/<class>/, in two classes alternately. */
export async function folderWith(count: number): Promise<string> {
  const known = folders.get(count);
  if (known) return known;
  const source = await photographs(Math.min(count, maxPhotographs), 640, 480);
  const names = readdirSync(source).sort();
  const folder = temporaryFolder();
  for (const name of ['one', 'two']) mkdirSync(join(folder, 'rawdata', name), { recursive: true });
  for (let index = 0; index < count; index++) {
    const photograph = join(source, names[index % names.length] as string);
    symlinkSync(photograph, join(folder, 'rawdata', index % 2 === 0 ? 'one' : 'two', `${index}.jpg`));
  }
  folders.set(count, folder);
  return folder;
}

/** Has further commands use a cache with the engine and the networks of this checkout, and without features. */
export function useFreshCache(): void {
  const cache = temporaryFolder();
  mkdirSync(join(cache, 'bat-sup'));
  symlinkSync(join(installed, 'native'), join(cache, 'bat-sup', 'native'));
  cpSync(join(installed, 'backbones'), join(cache, 'bat-sup', 'backbones'), { recursive: true });
  process.env.XDG_CACHE_HOME = cache;
}

export function forgetTrainings(folder: string): void {
  for (const made of ['data', 'checkpoints']) rmSync(join(folder, made), { recursive: true, force: true });
}

export interface PretrainedTraining {
  engine: string;
  /** Width and height of the pictures. */
  side: number;
  threads: number;
  seed: number;
}

/** A whole `bat-sup train --pretrained` in a folder. @returns seconds, and the processor time of all its threads. */
export function trainPretrained(
  { engine, side, threads, seed }: PretrainedTraining,
  folder: string,
): { seconds: number; processorSeconds: number } {
  const flags = { width: side, height: side, engine, threads, seed };
  const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const args = [bin, 'train', '--json', '--pretrained', ...given];
  const { seconds, processorSeconds } = timeNode(`bat-sup, ${engine}`, args, folder);
  return { seconds, processorSeconds };
}
