/**
 * Pictures a second of augmentation, ours and Augmentor's:
 * npm run bench -- augment [--pictures 200] [--copies 1] [--workers 0] [--rounds 5] [--against augmentor] [--json]
 * 1024 x 768 in, 1024 x 768 out, JPEG both, rotated, flipped, zoomed, distorted and brightened, on every core; in
 * rounds that alternate, so that a machine whose speed drifts drifts for both. Ours is what `bat-sup augment` runs, as
 * built, and starts its threads in each round.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import type { OperationSetting } from '../src/augment/registry.ts';
import { pythonWith, startScript } from './against/python.ts';
import { median } from './measure/median.ts';

const { values: options } = parseArgs({
  options: {
    pictures: { type: 'string', default: '200' },
    copies: { type: 'string', default: '1' },
    workers: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '5' },
    against: { type: 'string', default: 'augmentor' },
    'augmentor-python': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const pictures = Number(options.pictures);
const wanted = pictures * Number(options.copies);

/** The same as in against/augment_augmentor.py. */
const operations: OperationSetting[] = [
  { operation: 'rotate', probability: 1, maxLeft: 20, maxRight: 20 },
  { operation: 'flipLeftRight', probability: 0.5 },
  { operation: 'zoom', probability: 1, minFactor: 1, maxFactor: 1.4 },
  { operation: 'randomDistortion', probability: 1, gridWidth: 8, gridHeight: 8, magnitude: 8 },
  { operation: 'brightness', probability: 1, minFactor: 0.7, maxFactor: 1.3 },
];

const built = new URL('../dist/src/augment/augment.js', import.meta.url).href;
const { augmentAll, cleanAugmented }: typeof import('../src/augment/augment.ts') = await import(built);

/** Something with the detail of a photograph: smooth noise, of about 200 KB as JPEG. */
async function writePictures(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < pictures; i++) {
    const noise = { type: 'gaussian' as const, mean: 128, sigma: 45 };
    const small = sharp({ create: { width: 256, height: 192, channels: 3, background: 'grey', noise } });
    const image = small.resize(1024, 768, { kernel: 'cubic' }).toColourspace('srgb');
    await image.jpeg({ quality: 85 }).toFile(join(folder, `${i}.jpg`));
  }
}

interface Contestant {
  name: string;
  description: string;
  /** Milliseconds that all the pictures took. */
  round(): Promise<number>;
  stop(): void;
}

function ours(rawData: string): Contestant {
  const workers = Number(options.workers);
  return {
    name: 'bat-sup',
    description: `sharp ${sharp.versions.sharp}, one resampling in WebAssembly`,
    async round() {
      const before = performance.now();
      const target = pictures + wanted;
      const { made } = await augmentAll({ rawData, target, operations, seed: 1, workers, longestSide: 1024 });
      const milliseconds = performance.now() - before;
      if (made !== wanted) throw new Error(`made ${made} of ${wanted} pictures`);
      await cleanAugmented(rawData);
      return milliseconds;
    },
    stop() {},
  };
}

async function augmentor(source: string, output: string): Promise<Contestant> {
  const python = pythonWith(options['augmentor-python'], 'augmentor');
  const running = startScript(python, 'augment_augmentor.py', [source, output]);
  const { description } = await running.next();
  return {
    name: 'Augmentor',
    description,
    round: async () => (await running.ask(String(wanted))).milliseconds,
    stop: running.stop,
  };
}

const folder = await mkdtemp(join(tmpdir(), 'bat-sup-bench-'));
try {
  const rawData = join(folder, 'rawdata');
  await writePictures(join(rawData, 'a'));
  const contestants = [ours(rawData)];
  if (options.against === 'augmentor') {
    contestants.push(await augmentor(join(rawData, 'a'), join(folder, 'output')));
  }
  const rates = contestants.map((): number[] => []);
  for (const one of contestants) await one.round();
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [index, one] of contestants.entries()) {
      rates[index]?.push((wanted * 1000) / (await one.round()));
    }
  }
  for (const one of contestants) one.stop();
  print(contestants, rates);
} finally {
  await rm(folder, { recursive: true, force: true });
}

function print(contestants: Contestant[], rates: number[][]): void {
  const medians = rates.map(median);
  const last = medians.at(-1) as number;
  const rows = contestants.map(({ name, description }, index) => ({
    name,
    description,
    'img/s': Number(medians[index]?.toFixed(1)),
    min: Number(Math.min(...(rates[index] as number[])).toFixed(1)),
    max: Number(Math.max(...(rates[index] as number[])).toFixed(1)),
    'x last': Number(((medians[index] as number) / last).toFixed(2)),
  }));
  if (options.json) console.log(JSON.stringify({ bench: 'augment', pictures: wanted, contestants: rows }));
  else console.table(rows);
}
