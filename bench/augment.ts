/**
 * Pictures per second of augmentation: bat-sup and Augmentor.
 *
 * npm run bench -- augment [--pictures 200] [--copies 1] [--workers 0] [--rounds 5] [--against augmentor]
 *   [--augmentor-python python] [--json]
 *
 * JPEGs of 1024 x 768 are rotated, flipped, zoomed, distorted and brightened on every core and written at the same size;
 * rounds alternate. bat-sup runs as built, and starts its threads in each round.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { OperationSetting } from '../src/augment/registry.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { photographs } from './inputs/photographs.ts';
import { startConversation } from './measure/conversation.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { alternate } from './measure/rounds.ts';
import { timed } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({
  pictures: 200,
  copies: 1,
  workers: 0,
  rounds: 5,
  against: 'augmentor',
  'augmentor-python': '',
});
const { pictures, workers } = options;
const wanted = pictures * options.copies;

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

interface Contestant {
  name: string;
  description: string;
  /** Makes `wanted` pictures. @returns milliseconds. */
  augment(): Promise<number>;
  stop(): void;
}

function ours(rawData: string): Contestant {
  const target = pictures + wanted;
  return {
    name: 'bat-sup',
    description: `sharp ${sharp.versions.sharp}, one resampling in WebAssembly`,
    async augment() {
      let made = 0;
      const { wall } = await timed(async () => {
        ({ made } = await augmentAll({ rawData, target, operations, seed: 1, workers, longestSide: 1024 }));
      });
      if (made !== wanted) throw new Error(`bat-sup made ${made} of ${wanted} pictures.`);
      await cleanAugmented(rawData);
      return wall;
    },
    stop() {},
  };
}

async function augmentor(source: string, output: string): Promise<Contestant> {
  const python = pythonWith('augmentor', options['augmentor-python']);
  const command = pythonScript(python, 'augment_augmentor.py', source, output);
  const { description, ask, stop } = await startConversation<string, number>(command);
  return { name: 'Augmentor', description, augment: () => ask(wanted), stop };
}

const folder = temporaryFolder();
const rawData = join(folder, 'rawdata');
cpSync(await photographs(pictures), join(rawData, 'a'), { recursive: true });
const contestants = [ours(rawData)];
if (options.against === 'augmentor')
  contestants.push(await augmentor(join(rawData, 'a'), join(folder, 'output')));
const results = await alternate(contestants, options.rounds, async (one) => {
  const milliseconds = await one.augment();
  return (wanted * 1000) / milliseconds;
});
for (const one of contestants) one.stop();
const medians = [...results.values()].map(median);
const rows = [...results].map(([{ name, description }, rates], index) => ({
  name,
  description,
  'img/s': round(medians[index] as number, 1),
  min: round(Math.min(...rates), 1),
  max: round(Math.max(...rates), 1),
  'x last': round((medians[index] as number) / (medians.at(-1) as number), 2),
}));
report('augment', options, { pictures: wanted, contestants: rows });
