import { execFileSync } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { temporaryFolder } from '../../test/helpers/folder.ts';
import { pythonScript, pythonWith } from '../against/python.ts';
import { photographs } from '../inputs/photographs.ts';
import { type Conversation, startConversation } from '../measure/conversation.ts';
import { alternate } from '../measure/rounds.ts';
import type { Spent } from '../measure/spent.ts';
import { median, round } from '../measure/statistics.ts';

/** A line to a contestant. */
export interface Job {
  file: string;
  /** Width and height of the result, pixels. */
  size: number;
  /** How many times to do it. */
  times: number;
  /** File for the result: uint8 RGB [size, size, 3]. */
  output: string;
}

type Contestant = Conversation<string, Spent | { failed: string }>;

interface Photograph {
  kind: string;
  megapixels: number;
  file: string;
}

interface Options {
  kinds: string[];
  megapixels: number[];
  sizes: number[];
  rounds: number;
  python: string;
  'pillow-simd-python': string;
}

const secondsPerRound = 0.5;

/** Of 4 to 3. */
function sidesOf(megapixels: number): [width: number, height: number] {
  const height = Math.round(Math.sqrt((megapixels * 1e6 * 3) / 4));
  return [Math.round((height * 4) / 3), height];
}

/** The same photograph as another kind of file. Made once. */
async function convert(jpeg: string, kind: string, python: string): Promise<string> {
  const file = jpeg.replace(/jpg$/, kind);
  if (existsSync(file)) return file;
  const temporary = `${jpeg}.tmp.${kind}`;
  if (kind === 'heic') {
    const [program = '', ...args] = pythonScript(python, 'to_heic.py', jpeg, temporary);
    execFileSync(program, args);
  } else await sharp(jpeg)[kind as 'png' | 'webp']({ quality: 85 }).toFile(temporary);
  renameSync(temporary, file);
  return file;
}

async function makePhotographs({ kinds, megapixels }: Options, python: string): Promise<Photograph[]> {
  const middle = megapixels[megapixels.length >> 1] as number;
  const made: Photograph[] = [];
  for (const kind of kinds) {
    for (const size of kind === 'jpeg' ? megapixels : [middle]) {
      const jpeg = join(await photographs(1, ...sidesOf(size)), '0000.jpg');
      const file = kind === 'jpeg' ? jpeg : await convert(jpeg, kind, python);
      made.push({ kind, megapixels: size, file });
    }
  }
  return made;
}

function startOurs(name: 'bat-sup' | 'sharp'): Promise<Contestant> {
  const script = fileURLToPath(new URL('ours.ts', import.meta.url));
  return startConversation([process.execPath, '--import', 'tsx', script, name]);
}

/** Pillow-SIMD is compiled as it is installed, which may fail. */
async function startPillowSimd(python: string): Promise<Contestant[]> {
  try {
    const command = pythonScript(pythonWith('pillow-simd', python), 'resize_pixels.py', 'pillow');
    return [await startConversation(command)];
  } catch (error) {
    console.error(`Pillow-SIMD is left out: ${(error as Error).message.split('\n')[0]}`);
    return [];
  }
}

async function startAll(options: Options, python: string): Promise<Contestant[]> {
  const rival = (library: string): Promise<Contestant> =>
    startConversation(pythonScript(python, 'resize_pixels.py', library));
  return [
    await startOurs('bat-sup'),
    await startOurs('sharp'),
    await rival('pyvips'),
    await rival('pillow'),
    ...(await startPillowSimd(options['pillow-simd-python'])),
    await rival('opencv'),
  ];
}

interface Judge {
  /** PSNR of pixels, decibels. */
  ask(line: string): Promise<number>;
}

interface Scene {
  contestants: Contestant[];
  judge: Judge;
  work: string;
  rounds: number;
}

/** The contestants that can read the picture, and how often each resizes it in a round. */
async function timesOf(
  { kind, file }: Photograph,
  size: number,
  { contestants, work }: Scene,
): Promise<Map<Contestant, number>> {
  const times = new Map<Contestant, number>();
  for (const one of contestants) {
    const ask = () => one.ask(JSON.stringify({ file, size, times: 1, output: join(work, 'first') }));
    const first = await ask();
    if ('failed' in first) console.error(`${one.description} cannot read ${kind}: ${first.failed}`);
    else {
      const { wall } = (await ask()) as Spent;
      times.set(one, Math.max(1, Math.round((1000 * secondsPerRound) / wall)));
    }
  }
  return times;
}

async function compareOne(picture: Photograph, size: number, scene: Scene) {
  const { file } = picture;
  const times = await timesOf(picture, size, scene);
  const outputOf = (one: Contestant) => join(scene.work, `${scene.contestants.indexOf(one)}.u8`);
  const results = await alternate(times.keys(), scene.rounds, async (one) => {
    const count = times.get(one) as number;
    const job = { file, size, times: count, output: outputOf(one) };
    const { wall, cpu } = (await one.ask(JSON.stringify(job))) as Spent;
    return { wall: wall / count, cpu: cpu / count };
  });
  const cpuOf = (rounds: Spent[]) => median(rounds.map(({ cpu }) => cpu));
  const fastest = Math.min(...[...results.values()].map(cpuOf));
  const rows = [];
  for (const [one, rounds] of results) {
    const walls = rounds.map(({ wall }) => wall);
    rows.push({
      kind: picture.kind,
      megapixels: picture.megapixels,
      size,
      name: one.description,
      ms: round(median(walls), 1),
      min: round(Math.min(...walls), 1),
      max: round(Math.max(...walls), 1),
      'CPU ms': round(cpuOf(rounds), 1),
      'x fastest': round(cpuOf(rounds) / fastest, 2),
      'PSNR dB': round(await scene.judge.ask(JSON.stringify({ file, size, pixels: outputOf(one) })), 2),
    });
  }
  return rows;
}

/** @returns the rows of a table. */
export async function comparePixels(options: Options) {
  const python = pythonWith('pictures', options.python);
  const pictures = await makePhotographs(options, python);
  const contestants = await startAll(options, python);
  const judge = await startConversation<string, number>(
    pythonScript(python, 'reference_pictures.py', 'pixels'),
  );
  const scene = { contestants, judge, work: temporaryFolder(), rounds: options.rounds };
  const rows = [];
  for (const picture of pictures)
    for (const size of options.sizes) rows.push(...(await compareOne(picture, size, scene)));
  for (const one of [...contestants, judge]) one.stop();
  return rows;
}
