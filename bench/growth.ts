/**
 * How time and memory of training grow: by batch, picture size, classes, threads, ranks and pictures; as tables and charts in
 * the documents.
 *
 * npm run bench -- growth [--parts batch,size,classes,threads,ranks,pictures] [--network article] [--batch 1,2,...,256]
 *   [--size 64,100,160,224,320] [--classes 2,10,100,1000] [--threads 1,2,...] [--pictures 1000,...,1000000]
 *   [--engines native,wasm] [--against pytorch,pytorch compile,keras] [--pytorch-python python] [--keras-python python]
 *   [--rounds 3] [--seconds 1] [--write] [--json]
 *
 * What is not varied is a batch of 10, 100 x 100 pixels, 2 classes, and as many threads as each framework chooses. Training
 * steps are those of the benchmark train, of --seconds each round; ranks those of cluster (Open MPI, one thread each, no peers);
 * pictures is all that comes before the first step (scale). --write puts each measured part into docs/growth.md and
 * docs/images/growth-<part>.svg, and leaves the other parts of the page alone.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { EngineName } from '../src/engine/index.ts';
import type { ArchitectureName } from '../src/models/index.ts';
import { grouped, tableOf, writeSection } from './measure/markdown.ts';
import { readOptions } from './measure/options.ts';
import { type Series, svgOf } from './measure/plot.ts';
import { report } from './measure/report.ts';
import { round } from './measure/statistics.ts';
import { compareTraining } from './training/contestants.ts';
import { networkToTrain } from './training/task.ts';

const cores = availableParallelism();
/** 1, 2, 4, ... and the number of cores. */
const threadCounts = [...Array(32).keys()].map((power) => 2 ** power).filter((count) => count < cores);

const options = readOptions({
  parts: ['batch', 'size', 'classes', 'threads', 'ranks', 'pictures'],
  network: 'article' as ArchitectureName,
  batch: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  size: [64, 100, 160, 224, 320],
  classes: [2, 10, 100, 1000],
  threads: [...threadCounts, cores],
  pictures: [1000, 10_000, 100_000, 1_000_000],
  engines: ['native', 'wasm'] as EngineName[],
  against: ['pytorch', 'pytorch compile', 'keras'],
  'pytorch-python': '',
  'keras-python': '',
  rounds: 3,
  seconds: 1,
  write: false,
});
const usual = { batch: 10, size: 100, classes: 2, threads: 0 };

/** A figure at a point: milliseconds with their spread over the rounds, and the peak of memory. */
interface Measured {
  /** Value of what is varied. */
  at: number;
  /** Of our engines and their peers. */
  name: string;
  description: string;
  milliseconds: number;
  min: number;
  max: number;
  mebibytes: number;
}

interface Part {
  /** Title of the horizontal axis, and of the table's first column. */
  varied: string;
  /** What the milliseconds are of. */
  unit: string;
  measure(): Promise<Measured[]>;
}

/** Training steps with one of the `usual` values varied. */
const training = (varied: keyof typeof usual, title: string): Part => ({
  varied: title,
  unit: 'ms per picture',
  async measure() {
    const measured: Measured[] = [];
    for (const at of options[varied]) {
      const { batch, threads, ...sizes } = { ...usual, [varied]: at };
      const task = { network: networkToTrain(options.network, sizes), batch, threads };
      const rows = await compareTraining(task, {
        contestants: [...options.engines, ...options.against],
        rounds: options.rounds,
        secondsPerRound: options.seconds,
        pythons: { pytorch: options['pytorch-python'], keras: options['keras-python'] },
      });
      for (const { name, description, min, max, ...row } of rows) {
        console.error(`${title} ${at}, ${name}: ${row['ms/img']} ms per picture, ${row['peak MiB']} MiB`);
        measured.push({
          ...{ at, name, description, min, max },
          milliseconds: row['ms/img'],
          mebibytes: row['peak MiB'],
        });
      }
    }
    return measured;
  },
});

/** Runs another benchmark. @returns its results. */
function runBench(name: string, ...flags: string[]) {
  const args = [
    '--import',
    'tsx',
    fileURLToPath(new URL('run.ts', import.meta.url)),
    name,
    ...flags,
    '--json',
  ];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 2] }));
}

async function measureRanks(): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const engine of options.engines) {
    const flags = ['--engines', engine, '--links', 'memory', '--rounds', String(options.rounds)];
    const { rows, batchSize } = runBench('cluster', ...flags);
    for (const { ranks, min, max, ...row } of rows) {
      // Training exchanges factors.
      if (ranks > 1 && row['gradients exchanged by'] !== 'factors') continue;
      const perPicture = (milliseconds: number) => round(milliseconds / (ranks * batchSize), 2);
      measured.push({
        at: ranks,
        name: engine,
        description: engine,
        milliseconds: perPicture(row['ms/step']),
        min: perPicture(min),
        max: perPicture(max),
        mebibytes: row['peak MiB'],
      });
    }
  }
  return measured;
}

/** The start of a training is measured once for each number of pictures. */
async function measurePictures(): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const at of options.pictures) {
    const { rows } = runBench('scale', '--sizes', String(at), '--pack', '', '--only', 'start training');
    const [{ seconds, ...row }] = rows;
    const milliseconds = 1000 * seconds;
    const spread = { milliseconds, min: milliseconds, max: milliseconds };
    measured.push({ at, name: 'bat-sup', description: 'bat-sup', ...spread, mebibytes: row['peak MiB'] });
  }
  return measured;
}

const parts: Record<string, Part> = {
  batch: training('batch', 'batch'),
  size: training('size', 'pixels of a side'),
  classes: training('classes', 'classes'),
  threads: training('threads', 'threads'),
  ranks: { varied: 'ranks', unit: 'ms per picture', measure: measureRanks },
  pictures: { varied: 'pictures', unit: 'ms', measure: measurePictures },
};

const isOurs = ({ name }: Measured) => !options.against.includes(name);

/** The fastest of the others at each point. */
function fastestPeers(measured: Measured[]): Map<number, Measured> {
  const fastest = new Map<number, Measured>();
  for (const one of measured.filter((each) => !isOurs(each)))
    if (one.milliseconds < (fastest.get(one.at)?.milliseconds ?? Number.POSITIVE_INFINITY))
      fastest.set(one.at, one);
  return fastest;
}

function cellOf({ milliseconds, min, max, mebibytes }: Measured): string {
  const spread = min === max ? '' : ` (${grouped(min)} to ${grouped(max)})`;
  return `${grouped(milliseconds)}${spread}, ${grouped(mebibytes)} MiB`;
}

function tableOfPart({ varied, unit }: Part, measured: Measured[]): string {
  const peers = fastestPeers(measured);
  const ours = [...new Set(measured.filter(isOurs).map(({ name }) => name))];
  const header = [
    varied,
    ...ours.map((name) => `${name}, ${unit}`),
    ...(peers.size > 0 ? ['fastest of the others', `times ${ours[0]}`] : []),
  ];
  const rows = [...new Set(measured.map(({ at }) => at))].map((at) => {
    const find = (name?: string) => measured.find((one) => one.at === at && one.name === name);
    const cells = ours.map((name) => find(name)).map((one) => (one ? cellOf(one) : ''));
    const [first, peer] = [find(ours[0]), peers.get(at)];
    const ratio = first && peer ? round(peer.milliseconds / first.milliseconds, 2) : '';
    return [
      grouped(at),
      ...cells,
      ...(peers.size > 0 ? [peer ? `${peer.name}: ${cellOf(peer)}` : '', ratio] : []),
    ];
  });
  return tableOf(header, rows);
}

/** Time beside memory. */
function plotOfPart({ varied, unit }: Part, measured: Measured[]): string {
  const ours = [...new Set(measured.filter(isOurs).map(({ name }) => name))];
  const lines = ours.map((name) => ({ name, points: measured.filter((one) => one.name === name) }));
  const peers = [...fastestPeers(measured).values()];
  if (peers.length > 0) lines.push({ name: 'fastest of the others', points: peers });
  const seriesOf = (y: (one: Measured) => number, what: string): Series[] =>
    lines.map(({ name, points }) => ({
      name,
      points: points.map((one) => ({
        x: one.at,
        y: y(one),
        label: `${one.name}: ${grouped(y(one))} ${what}`,
      })),
    }));
  const marks = [...new Set(measured.map(({ at }) => at))];
  return svgOf(
    `Time and peak memory of training by ${varied}`,
    [
      { x: varied, y: unit, marks, series: seriesOf(({ milliseconds }) => milliseconds, unit) },
      { x: varied, y: 'peak MiB', marks, series: seriesOf(({ mebibytes }) => mebibytes, 'MiB') },
    ],
    true,
  );
}

/** Where and with what it was measured. */
function machineOf(measured: Measured[]): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  const machine = `${cpus()[0]?.model.trim()}, ${cores} cores, ${memory} GiB, ${type()} ${release()}`;
  const versions = [
    `Node ${process.versions.node}`,
    ...new Set(measured.map(({ description }) => description)),
  ];
  const date = new Date().toISOString().slice(0, 10);
  return `${date}; ${machine}; ${versions.join('; ')}.`;
}

function writePart(name: string, part: Part, measured: Measured[]): void {
  const page = fileURLToPath(new URL('../docs/growth.md', import.meta.url));
  const plot = `images/growth-${name}.svg`;
  writeFileSync(fileURLToPath(new URL(`../docs/${plot}`, import.meta.url)), plotOfPart(part, measured));
  const text = [`![By ${part.varied}](${plot})`, tableOfPart(part, measured), machineOf(measured)];
  writeSection(page, [`<!-- growth: ${name} -->`, `<!-- /growth: ${name} -->`], text.join('\n\n'));
}

const results: Record<string, Measured[]> = {};
for (const name of options.parts) {
  const part = parts[name];
  if (!part) throw new Error(`--parts: ${name} is not one of ${Object.keys(parts).join(', ')}.`);
  const measured = await part.measure();
  if (options.write) writePart(name, part, measured);
  results[name] = measured;
}
report('growth', options, results);
