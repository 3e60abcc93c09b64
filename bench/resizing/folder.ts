import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { mapConcurrently } from '../../src/async/concurrency.ts';
import { resizeAll } from '../../src/images/resize.ts';
import { temporaryFolder } from '../../test/helpers/folder.ts';
import { pythonScript, pythonWith } from '../against/python.ts';
import { photographs } from '../inputs/photographs.ts';
import { startConversation } from '../measure/conversation.ts';
import { alternate } from '../measure/rounds.ts';
import { type Spent, timed } from '../measure/spent.ts';
import { median, round } from '../measure/statistics.ts';

interface Contestant {
  name: string;
  /** Resizes every picture into the folder. */
  resizeInto(folder: string): Promise<Spent>;
  stop(): void;
}

interface Job {
  /** Folder of the originals. */
  source: string;
  count: number;
  /** Width and height of the results, pixels. */
  side: number;
  /** A folder to work in. */
  work: string;
  python: string;
}

function ours({ source, work, side }: Job): Contestant {
  const rawData = join(work, 'rawdata');
  cpSync(source, join(rawData, 'class'), { recursive: true });
  const size = { width: side, height: side, channels: 3, fit: 'fill' } as const;
  const resizeInto = (data: string) => timed(() => resizeAll({ ...size, rawData, data, workers: 0 }));
  return { name: 'bat-sup resize', resizeInto, stop() {} };
}

/** As one would write it with sharp, which bat-sup uses for everything but plain JPEGs. */
function plainSharp({ source, count, side }: Job): Contestant {
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

async function rival(
  { python, source, side }: Job,
  library: 'pillow' | 'opencv',
  mode: string,
): Promise<Contestant> {
  const command = pythonScript(python, 'resize_pictures.py', library, mode, source, side, side);
  const { description, ask, stop } = await startConversation<string, Spent>(command);
  return { name: `${description}, ${mode}`, resizeInto: ask, stop };
}

/** @returns the rows of a table. */
export async function compareFolders(options: {
  count: number;
  size: number;
  rounds: number;
  python: string;
}) {
  const { count, size: side, rounds: roundCount } = options;
  const source = await photographs(count);
  const work = temporaryFolder();
  const job: Job = { source, count, side, work, python: pythonWith('pictures', options.python) };
  const contestants = [
    ours(job),
    plainSharp(job),
    await rival(job, 'pillow', 'draft'),
    await rival(job, 'pillow', 'whole'),
    await rival(job, 'opencv', 'processes'),
    await rival(job, 'opencv', 'threads'),
    await rival(job, 'opencv', 'reduced'),
  ];
  const folderOf = (one: Contestant, number: number) => join(work, `${contestants.indexOf(one)}-${number}`);
  const results = await alternate(contestants, roundCount, async (one, number) => {
    const folder = folderOf(one, number);
    mkdirSync(folder, { recursive: true });
    const spent = await one.resizeInto(folder);
    // The pictures of round 0 are kept to judge their quality.
    if (number > 0) rmSync(folder, { recursive: true });
    return spent;
  });
  const judge = await startConversation<string, { psnr: number; ssim: number }>(
    pythonScript(job.python, 'reference_pictures.py', source, side, side),
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
  return rows;
}
