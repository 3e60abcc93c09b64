import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bin } from '../../test/helpers/bin.ts';
import { temporaryFolder } from '../../test/helpers/folder.ts';
import { timeCommand } from '../measure/command.ts';
import { photographs } from './photographs.ts';

const installed = fileURLToPath(new URL('../../.cache/xdg/bat-sup', import.meta.url));

/** Different photographs; beyond these, further links to them. */
const maxPhotographs = 600;

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

/** Has each process append its processor time in seconds to a file when it ends. */
const countProcessorTime = `data:text/javascript,import{appendFileSync}from'node:fs';process.on('exit',()=>{const{user,system}=process.cpuUsage();appendFileSync(process.env.BENCH_PROCESSOR_TIME,(user+system)/1e6+'\\n')})`;

/** A whole `bat-sup train --pretrained` in a folder. @returns seconds, and the processor time of all its threads. */
export function trainPretrained(
  { engine, side, threads, seed }: PretrainedTraining,
  folder: string,
): { seconds: number; processorSeconds: number } {
  const flags = { width: side, height: side, engine, threads, seed };
  const times = join(temporaryFolder(), 'seconds');
  process.env.BENCH_PROCESSOR_TIME = times;
  const { seconds } = timeCommand(
    {
      name: `bat-sup, ${engine}`,
      command: [
        process.execPath,
        ...['--import', countProcessorTime, bin, 'train', '--json', '--pretrained'],
        ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ],
    },
    folder,
  );
  const all = readFileSync(times, 'utf8').trim().split('\n').map(Number);
  return { seconds, processorSeconds: all.reduce((sum, one) => sum + one, 0) };
}
