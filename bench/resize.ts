/**
 * Speed and quality of resizing JPEGs of 1024 x 768 to the network's size: bat-sup, sharp, Pillow and OpenCV.
 *
 * npm run bench -- resize [--count 500] [--size 100] [--rounds 7] [--python python] [--json]
 *
 * Each uses every core; rounds alternate. Quality is PSNR and SSIM against Lanczos resampling in floating point.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { mapConcurrently } from '../src/async/concurrency.ts';
import { resizeAll } from '../src/images/resize.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { photographs } from './inputs/photographs.ts';
import { startConversation } from './measure/conversation.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { alternate } from './measure/rounds.ts';
import { type Spent, timed } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({ count: 500, size: 100, rounds: 7, python: '' });
const { count, size: side } = options;

interface Contestant {
  name: string;
  /** Resizes every picture into the folder. */
  resizeInto(folder: string): Promise<Spent>;
  stop(): void;
}

const source = await photographs(count);
const work = temporaryFolder();
const python = pythonWith('pictures', options.python);

function ours(): Contestant {
  const rawData = join(work, 'rawdata');
  cpSync(source, join(rawData, 'class'), { recursive: true });
  const size = { width: side, height: side, channels: 3, fit: 'fill' } as const;
  const resizeInto = (data: string) => timed(() => resizeAll({ ...size, rawData, data, workers: 0 }));
  return { name: 'bat-sup resize', resizeInto, stop() {} };
}

/** As one would write it with sharp, which bat-sup uses for everything but plain JPEGs. */
function plainSharp(): Contestant {
  const names = Array.from({ length: count }, (_, index) => `${String(index).padStart(4, '0')}.jpg`);
  const resizeOne = (name: string, folder: string) =>
    sharp(join(source, name))
      .resize(side, side, { fit: 'fill' })
      .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
      .toFile(join(folder, name));
  const resizeInto = (folder: string) =>
    timed(() => mapConcurrently(names, 0, (name) => resizeOne(name, folder)));
  return { name: `sharp ${sharp.versions.sharp}`, resizeInto, stop() {} };
}

async function rival(library: 'pillow' | 'opencv', mode: string): Promise<Contestant> {
  const command = pythonScript(python, 'resize_pictures.py', library, mode, source, side, side);
  const { description, ask, stop } = await startConversation<string, Spent>(command);
  return { name: `${description}, ${mode}`, resizeInto: ask, stop };
}

const contestants = [
  ours(),
  plainSharp(),
  await rival('pillow', 'draft'),
  await rival('pillow', 'whole'),
  await rival('opencv', 'processes'),
  await rival('opencv', 'threads'),
  await rival('opencv', 'reduced'),
];
const folderOf = (one: Contestant, number: number) => join(work, `${contestants.indexOf(one)}-${number}`);
const results = await alternate(contestants, options.rounds, async (one, number) => {
  const folder = folderOf(one, number);
  mkdirSync(folder, { recursive: true });
  const spent = await one.resizeInto(folder);
  // The pictures of round 0 are kept to judge their quality.
  if (number > 0) rmSync(folder, { recursive: true });
  return spent;
});

const judge = await startConversation<string, { psnr: number; ssim: number }>(
  pythonScript(python, 'reference_pictures.py', source, side, side),
);
const rate = ({ wall }: Spent) => (count * 1000) / wall;
const ownRate = median((results.get(contestants[0] as Contestant) ?? []).map(rate));
const rows = [];
for (const [one, rounds] of results) {
  const rates = rounds.map(rate);
  const folder = join(folderOf(one, 0), one === contestants[0] ? 'class' : '');
  const { psnr, ssim } = await judge.ask(folder);
  rows.push({
    name: one.name,
    'img/s': Math.round(median(rates)),
    min: Math.round(Math.min(...rates)),
    max: Math.round(Math.max(...rates)),
    'bat-sup is x': round(ownRate / median(rates), 2),
    'CPU ms/img': round(median(rounds.map(({ cpu }) => cpu)) / count, 2),
    'PSNR dB': round(psnr, 2),
    SSIM: round(ssim, 4),
  });
}
for (const one of [...contestants, judge]) one.stop();
report('resize', options, { count, size: side, contestants: rows });
process.exit();
