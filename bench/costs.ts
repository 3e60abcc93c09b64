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
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  folderWith,
  forgetTrainings,
  trainPretrained,
  useFreshCache,
} from './inputs/pretrained_trainings.ts';
import { readOptions } from './measure/options.ts';
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

const grouped = (value: number) => value.toLocaleString('en');

function rowOf({ pictures, side, threads, seconds, processorSeconds }: Cost): string {
  const cells = [
    seconds === undefined ? `${grouped(pictures)}, extrapolated` : grouped(pictures),
    `${side} x ${side}`,
    threads,
    seconds === undefined ? '' : grouped(round(seconds, 1)),
    grouped(round(processorSeconds, seconds === undefined ? 0 : 1)),
    round((1000 * processorSeconds) / pictures, 1),
  ];
  return `| ${cells.join(' | ')} |`;
}

function tableOf(costs: Cost[]): string {
  const header = ['pictures', 'size', 'threads', 'seconds', 'processor seconds', 'ms per picture'];
  return [`| ${header.join(' | ')} |`, `|${header.map(() => ' --- ').join('|')}|`, ...costs.map(rowOf)].join(
    '\n',
  );
}

const area = { left: 60, right: 480, top: 20, bottom: 240 };

/** Powers of ten around values: from, to. */
const decadesAround = (values: number[]): [number, number] => [
  Math.floor(Math.log10(Math.min(...values))),
  Math.ceil(Math.log10(Math.max(...values))),
];

/** Processor seconds over pictures, both logarithmic: a line for the middle size, dots for the others. */
function chartOf(costs: Cost[]): string {
  const xs = decadesAround(costs.map(({ pictures }) => pictures));
  const ys = decadesAround(costs.map(({ processorSeconds }) => processorSeconds));
  const scale = (value: number, [from, to]: [number, number], start: number, end: number) =>
    round(start + ((Math.log10(value) - from) / Math.max(to - from, 1)) * (end - start), 1);
  const x = (value: number) => scale(value, xs, area.left, area.right);
  const y = (value: number) => scale(value, ys, area.bottom, area.top);
  const powers = ([from, to]: [number, number]) =>
    Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index));
  const rows = powers(ys).map(
    (value) => `<path d="M${area.left} ${y(value)}H${area.right}" stroke="#d0d7de"/>
<text x="${area.left - 8}" y="${y(value) + 4}" text-anchor="end">${grouped(value)}</text>`,
  );
  const columns = powers(xs).map(
    (value) => `<text x="${x(value)}" y="${area.bottom + 18}" text-anchor="middle">${grouped(value)}</text>`,
  );
  const most = Math.max(...options.threads);
  const middle = options.sizes[options.sizes.length >> 1];
  const line = costs
    .filter(({ side, threads }) => side === middle && threads === most)
    .toSorted((a, b) => a.pictures - b.pictures)
    .map(({ pictures, processorSeconds }) => `${x(pictures)},${y(processorSeconds)}`);
  const dots = costs
    .filter(({ threads }) => threads === most)
    .map(({ pictures, side, seconds, processorSeconds: cost }) => {
      const fill = seconds === undefined ? '#ffffff' : '#0969da';
      const label = `${side} x ${side}${seconds === undefined ? ', extrapolated' : ''}: ${grouped(round(cost, 1))} s`;
      return `<circle cx="${x(pictures)}" cy="${y(cost)}" r="4" fill="${fill}" stroke="#0969da"><title>${label}</title></circle>
${side === middle ? '' : `<text x="${x(pictures) + 8}" y="${y(cost) + 4}">${side} x ${side}</text>`}`;
    });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 280" width="520" height="280" font-family="sans-serif" font-size="12" fill="#57606a">
<title>Processor seconds of bat-sup train --pretrained, by pictures; ${middle} x ${middle} along the line</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${[...rows, ...columns].join('\n')}
<text x="${(area.left + area.right) / 2}" y="274" text-anchor="middle">pictures</text>
<text transform="translate(14 ${(area.top + area.bottom) / 2}) rotate(-90)" text-anchor="middle">processor seconds</text>
<polyline points="${line.join(' ')}" fill="none" stroke="#0969da"/>
${dots.join('\n')}
</svg>
`;
}

function writeDocuments(costs: Cost[]): void {
  const file = fileURLToPath(new URL('benchmarks.md', docs));
  const [start, end] = ['<!-- costs: written by npm run bench -- costs --write -->', '<!-- /costs -->'];
  const text = readFileSync(file, 'utf8');
  const [before, rest] = text.split(start);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${file} lacks the line "${start}" or "${end}".`);
  writeFileSync(file, `${before}${start}\n\n${tableOf(costs)}\n\n${end}${after}`);
  writeFileSync(fileURLToPath(new URL('images/costs.svg', docs)), chartOf(costs));
}

const measured = await measureAll();
const beyond = extrapolate(measured);
const costs = beyond ? [...measured, beyond] : measured;
if (options.write) writeDocuments(costs);
report('costs', options, { costs });
