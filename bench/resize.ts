/**
 * Resizing speed and quality, JPEGs of 1024 x 768 to JPEGs of the network's size:
 * npm run bench -- resize [--count 500] [--size 100] [--rounds 7] [--json]
 * bat-sup's resizeAll against Pillow and OpenCV, each on every core and in rounds that alternate.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { mapConcurrently } from '../src/async/concurrency.ts';
import { resizeAll } from '../src/images/resize.ts';
import { pythonWith, startScript } from './against/python.ts';
import { photographs } from './inputs/photographs.ts';
import { median } from './measure/median.ts';

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '500' },
    size: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
  },
});
const count = Number(options.count);
const side = Number(options.size);

interface Round {
  milliseconds: number;
  /** Milliseconds of all cores together: what a machine that does other work besides tells best. */
  cores: number;
}

interface Contestant {
  name: string;
  /** Resizes every picture into the folder. */
  round(folder: string): Promise<Round>;
  stop(): void;
}

const source = await photographs(count);
const work = join(tmpdir(), `bat-sup-bench-resize-${process.pid}`);

async function timed(run: () => Promise<unknown>): Promise<Round> {
  const before = performance.now();
  const coresBefore = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(coresBefore);
  return { milliseconds: performance.now() - before, cores: (user + system) / 1000 };
}

function ours(): Contestant {
  const rawData = join(work, 'rawdata');
  cpSync(source, join(rawData, 'class'), { recursive: true });
  const size = { width: side, height: side, channels: 3, fit: 'fill' } as const;
  const round = (data: string) => timed(() => resizeAll({ ...size, rawData, data, workers: 0 }));
  return { name: 'bat-sup resize', round, stop() {} };
}

/** As one would write it with sharp, which bat-sup uses for everything that is no plain JPEG. */
function plainSharp(): Contestant {
  const names = Array.from({ length: count }, (_, index) => `${String(index).padStart(4, '0')}.jpg`);
  const one = (name: string, folder: string) =>
    sharp(join(source, name))
      .resize(side, side, { fit: 'fill' })
      .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
      .toFile(join(folder, name));
  const round = (folder: string) => timed(() => mapConcurrently(names, 0, (name) => one(name, folder)));
  return { name: `sharp ${sharp.versions.sharp}`, round, stop() {} };
}

async function python(library: string, mode: string): Promise<Contestant> {
  const args = [library, mode, source, String(side), String(side)];
  const script = startScript(pythonWith(undefined, 'pictures'), 'resize_pictures.py', args);
  const { description } = await script.next();
  const round = (folder: string): Promise<Round> => script.ask(folder);
  return { name: `${description}, ${mode}`, round, stop: script.stop };
}

const contestants = [
  ours(),
  plainSharp(),
  await python('pillow', 'draft'),
  await python('pillow', 'whole'),
  await python('opencv', 'processes'),
  await python('opencv', 'threads'),
  await python('opencv', 'reduced'),
];
const rounds = new Map(contestants.map((one) => [one, [] as Round[]]));
const folders = new Map<Contestant, string>();

async function runRound(one: Contestant, round: number): Promise<void> {
  const folder = join(work, `${contestants.indexOf(one)}-${round}`);
  mkdirSync(folder, { recursive: true });
  const result = await one.round(folder);
  // The first round warms up, and is what quality is judged by.
  if (round > 0) rounds.get(one)?.push(result);
  if (round > 0) rmSync(folder, { recursive: true });
  else folders.set(one, one.name === 'bat-sup resize' ? join(folder, 'class') : folder);
}

for (let round = 0; round <= Number(options.rounds); round++) {
  for (const one of contestants) await runRound(one, round);
}
const judge = startScript(pythonWith(undefined, 'pictures'), 'reference_pictures.py', [
  source,
  String(side),
  String(side),
]);
await judge.next();

const rate = ({ milliseconds }: Round) => (count * 1000) / milliseconds;
const first = median((rounds.get(contestants[0] as Contestant) ?? []).map(rate));
const rows = [];
for (const [one, results] of rounds) {
  const rates = results.map(rate);
  const { psnr, ssim } = await judge.ask(folders.get(one) ?? '');
  rows.push({
    name: one.name,
    'img/s': Math.round(median(rates)),
    min: Math.round(Math.min(...rates)),
    max: Math.round(Math.max(...rates)),
    'bat-sup is x': Number((first / median(rates)).toFixed(2)),
    'core ms/img': Number((median(results.map(({ cores }) => cores)) / count).toFixed(2)),
    'PSNR dB': Number(psnr.toFixed(2)),
    SSIM: Number(ssim.toFixed(4)),
  });
}
for (const one of [...contestants, judge]) one.stop();
rmSync(work, { recursive: true, force: true });
if (options.json) console.log(JSON.stringify({ bench: 'resize', count, size: side, contestants: rows }));
else console.table(rows);
process.exit();
