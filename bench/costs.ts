/**
 * What `bat-sup train --pretrained` costs, by the number of pictures, their size and the number of threads, as a table and a
 * chart in the documents.
 *
 * npm run bench -- costs [--pictures 100,1000,10000] [--sizes 128,224,320] [--threads 1,2] [--engine native] [--write] [--json]
 *
 * JPEGs of 640 x 480 in two classes, 600 different ones and then links to them; whole processes, from files to a checkpoint
 * and its validation, with nothing cached but the network. Every number of pictures is measured at the middle size with the
 * most threads; the other sizes and threads at the second number alone. 100,000 pictures are extrapolated along a line
 * through the two largest numbers, and marked so. --write puts the table into docs/benchmarks.md and the chart into
 * docs/images/costs.svg.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  folderWith,
  forgetTrainings,
  trainPretrained,
  useFreshCache,
} from './inputs/pretrained_trainings.ts';
import { grouped, tableOf, writeSection } from './measure/markdown.ts';
import { readOptions } from './measure/options.ts';
import { svgOf } from './measure/plot.ts';
import { report } from './measure/report.ts';
import { round } from './measure/statistics.ts';

const options = readOptions({
  pictures: [100, 1000, 10_000],
  sizes: [128, 224, 320],
  threads: [1, 2],
  engine: 'native',
  write: false,
});
const extrapolatedTo = 100_000;
const docs = new URL('../docs/', import.meta.url);

interface Cost {
  pictures: number;
  side: number;
  threads: number;
  /** By the clock; absent where extrapolated. */
  seconds?: number;
  processorSeconds: number;
}

async function measure(pictures: number, side: number, threads: number): Promise<Cost> {
  const folder = await folderWith(pictures);
  forgetTrainings(folder);
  useFreshCache();
  const spent = trainPretrained({ engine: options.engine, side, threads, seed: 1 }, folder);
  return { pictures, side, threads, ...spent };
}

/** Sizes and numbers of threads at one number of pictures, then the other numbers. */
async function measureAll(): Promise<Cost[]> {
  const { pictures, sizes, threads } = options;
  const [middle, most] = [sizes[sizes.length >> 1] as number, Math.max(...threads)];
  const typical = pictures[1] ?? (pictures[0] as number);
  const costs: Cost[] = [];
  for (const side of sizes) for (const count of threads) costs.push(await measure(typical, side, count));
  for (const count of pictures) if (count !== typical) costs.push(await measure(count, middle, most));
  return costs;
}

/** A cost beyond the two largest measured, on the line through them; undefined where only one is known. */
function extrapolate(costs: Cost[]): Cost | undefined {
  const middle = options.sizes[options.sizes.length >> 1];
  const most = Math.max(...options.threads);
  const known = costs.filter(({ side, threads }) => side === middle && threads === most);
  const [last, before] = known.toSorted((a, b) => b.pictures - a.pictures);
  if (!last || !before || last.pictures >= extrapolatedTo) return undefined;
  const slope = (last.processorSeconds - before.processorSeconds) / (last.pictures - before.pictures);
  const processorSeconds = last.processorSeconds + slope * (extrapolatedTo - last.pictures);
  return { pictures: extrapolatedTo, side: last.side, threads: last.threads, processorSeconds };
}

function rowOf({ pictures, side, threads, seconds, processorSeconds }: Cost): (string | number)[] {
  return [
    seconds === undefined ? `${grouped(pictures)}, extrapolated` : grouped(pictures),
    `${side} x ${side}`,
    threads,
    seconds === undefined ? '' : grouped(round(seconds, 1)),
    grouped(round(processorSeconds, seconds === undefined ? 0 : 1)),
    round((1000 * processorSeconds) / pictures, 1),
  ];
}

/** Processor seconds over pictures, with the most threads: a line for the middle size, dots for the others. */
function chartOf(costs: Cost[]): string {
  const most = Math.max(...options.threads);
  const middle = options.sizes[options.sizes.length >> 1];
  const pointOf = ({ pictures, side, seconds, processorSeconds }: Cost) => {
    const isExtrapolated = seconds === undefined;
    const name = `${side} x ${side}`;
    const label = `${name}${isExtrapolated ? ', extrapolated' : ''}: ${grouped(round(processorSeconds, 1))} s`;
    return {
      x: pictures,
      y: processorSeconds,
      label,
      isExtrapolated,
      ...(side !== middle && { note: name }),
    };
  };
  const shown = costs.filter(({ threads }) => threads === most);
  const [line, others] = [true, false].map((isMiddle) =>
    shown.filter(({ side }) => (side === middle) === isMiddle).map(pointOf),
  ) as [ReturnType<typeof pointOf>[], ReturnType<typeof pointOf>[]];
  const title = `Processor seconds of bat-sup train --pretrained, by pictures; ${middle} x ${middle} along the line`;
  const series = [
    { name: `${middle} x ${middle}`, points: line },
    { name: 'other sizes', points: others, isConnected: false },
  ];
  return svgOf(title, [{ x: 'pictures', y: 'processor seconds', series }]);
}

function writeDocuments(costs: Cost[]): void {
  const header = ['pictures', 'size', 'threads', 'seconds', 'processor seconds', 'ms per picture'];
  const file = fileURLToPath(new URL('benchmarks.md', docs));
  const lines: [string, string] = [
    '<!-- costs: written by npm run bench -- costs --write -->',
    '<!-- /costs -->',
  ];
  writeSection(file, lines, tableOf(header, costs.map(rowOf)));
  writeFileSync(fileURLToPath(new URL('images/costs.svg', docs)), chartOf(costs));
}

const measured = await measureAll();
const beyond = extrapolate(measured);
const costs = beyond ? [...measured, beyond] : measured;
if (options.write) writeDocuments(costs);
report('costs', options, { costs });
