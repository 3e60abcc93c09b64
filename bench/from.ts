/**
 * Speed and memory of training an imported network: our engines, and the program that it was imported from.
 *
 * npm run bench -- from [--network resnet18] [--by pytorch] [--batch 10] [--size 224] [--statistics frozen] [--threads 0]
 *   [--engines native,wasm] [--python python] [--rounds 5] [--json]
 *
 * --by pytorch: a network of torchvision by its name there (resnet18, mobilenet_v2), through ONNX; --by keras: one of Keras
 * (MobileNetV2), through .keras. --statistics: whether batch normalisation uses its moving averages (frozen) or the batch's
 * (batch). Everyone takes whole training steps (forward, backward, Adam) on uint8 pictures in memory, from the same weights, in a
 * process of their own. The losses of the first steps must agree. Rounds alternate. CPU time is that of all threads together: on a
 * busy machine it tells more than the clock.
 */
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { importNetwork } from '../src/formats/import.ts';
import { valuesOf } from '../src/formats/network.ts';
import { createModel } from '../src/models/model.ts';
import { Adam } from '../src/training/adam.ts';
import { trainStep } from '../src/training/step.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { type Conversation, converse, startConversation } from './measure/conversation.ts';
import { taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { alternate } from './measure/rounds.ts';
import { peakMebibytes, timed } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({
  network: 'resnet18',
  by: 'pytorch',
  batch: [10] as number[],
  size: 224,
  statistics: 'frozen',
  threads: 0,
  rounds: 5,
  engines: ['native', 'wasm'] as EngineName[],
  python: '',
});
const secondsPerRound = 3;
const learningRate = 1e-5;
/** Steps whose losses are compared. */
const checkedSteps = 3;
const lossTolerance = 1e-3;

interface Description {
  description: string;
  losses: number[];
}

/** What some steps took, all together. */
interface Steps {
  milliseconds: number;
  cpuMilliseconds: number;
  peakMebibytes: number;
}

interface Contestant extends Conversation<Description, Steps> {
  name: string;
  batch: number;
}

const classes = 10;
const frozenStatistics = options.statistics === 'frozen';

interface Task {
  name: EngineName;
  batch: number;
  file: string;
}

async function measureEngine({ name, batch, file }: Task): Promise<void> {
  const { description } = await startEngine(name, { threads: options.threads });
  const { network } = await importNetwork(file, { preprocessing: { scale: 1 / 255 } });
  const { model: imported, preprocessing } = network;
  const model = createModel(imported, { restored: valuesOf(network), preprocessing, frozenStatistics });
  const adam = new Adam(model.variables);
  const pixels = Uint8Array.from({ length: batch * options.size ** 2 * 3 }, (_, i) => (i * 7919) % 251);
  const labels = Array.from({ length: batch }, (_, row) => row % classes);
  let step = 0;
  const take = (count: number): number[] =>
    Array.from(
      { length: count },
      () => trainStep(model, adam, { pixels, labels }, { step: ++step, learningRate })().loss,
    );
  const losses = take(checkedSteps);
  await converse({ description, losses }, async (count) => {
    const { wall, cpu } = await timed(() => take(Number(count)));
    return { milliseconds: wall, cpuMilliseconds: cpu, peakMebibytes: peakMebibytes() };
  });
}

async function startOurs(name: EngineName, batch: number, file: string): Promise<Contestant> {
  const own = ['--import', 'tsx', fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const environment = { ...process.env, BENCH_TASK: JSON.stringify({ name, batch, file }) };
  return { name, batch, ...(await startConversation([process.execPath, ...own], environment)) };
}

/** The other program, which has saved the network to `file` once it answers. */
async function startOther(batch: number, file: string): Promise<Contestant> {
  const { network, size, by, threads } = options;
  const task = { network, size, batch, classes, file, frozenStatistics, learningRate, checkedSteps };
  writeFileSync(`${file}.json`, JSON.stringify(task));
  const python = pythonWith(by === 'keras' ? 'keras' : 'pytorch', options.python);
  const command = pythonScript(python, `from_${by}.py`, `${file}.json`, threads);
  return { name: by, batch, ...(await startConversation(command)) };
}

/** @throws {Error} where the losses of the first steps differ: they would not compute the same. */
function checkLosses([first, ...others]: Contestant[]): void {
  for (const { name, description } of others)
    for (const [step, loss] of description.losses.entries())
      if (!(Math.abs(loss - (first?.description.losses[step] as number)) < lossTolerance))
        throw new Error(
          `The losses differ: ${first?.description.losses} (${first?.name}), ${description.losses} (${name}).`,
        );
}

async function compare(batch: number, folder: string) {
  const file = join(folder, `start-${batch}.${options.by === 'keras' ? 'keras' : 'onnx'}`);
  const other = await startOther(batch, file);
  const contestants: Contestant[] = [];
  for (const name of options.engines) contestants.push(await startOurs(name, batch, file));
  contestants.push(other);
  checkLosses(contestants);
  const counts = new Map<Contestant, number>();
  const results = await alternate(contestants, options.rounds, async (one, number) => {
    const count = number === 0 ? 2 : (counts.get(one) as number);
    const steps = await one.ask(count);
    if (number === 0)
      counts.set(one, Math.max(2, Math.round((secondsPerRound * 1000 * count) / steps.milliseconds)));
    return perStep(steps, count);
  });
  for (const one of contestants) one.stop();
  return rowsOf(results);
}

function perStep({ milliseconds, cpuMilliseconds, peakMebibytes }: Steps, count: number): Steps {
  return { milliseconds: milliseconds / count, cpuMilliseconds: cpuMilliseconds / count, peakMebibytes };
}

function rowsOf(results: Map<Contestant, Steps[]>) {
  const medians = [...results.values()].map((rounds) =>
    median(rounds.map(({ milliseconds }) => milliseconds)),
  );
  return [...results].map(([{ name, batch, description }, rounds], index) => {
    const walls = rounds.map(({ milliseconds }) => milliseconds);
    const typical = medians[index] as number;
    return {
      name,
      description: description.description,
      batch,
      loss: round(description.losses.at(-1) as number, 5),
      'ms/img': round(typical / batch, 1),
      min: round(Math.min(...walls) / batch, 1),
      max: round(Math.max(...walls) / batch, 1),
      'cpu ms/img': round(median(rounds.map(({ cpuMilliseconds }) => cpuMilliseconds)) / batch, 1),
      'x first': round((medians[0] as number) / typical, 2),
      'peak MiB': Math.round(Math.max(...rounds.map(({ peakMebibytes }) => peakMebibytes))),
    };
  });
}

const task = taskOfChild<Task>();
if (task) {
  await measureEngine(task);
} else {
  const folder = await mkdtemp(join(tmpdir(), 'bat-sup-bench-'));
  try {
    const contestants = [];
    for (const batch of options.batch) contestants.push(...(await compare(batch, folder)));
    report('from', options, { network: options.network, size: options.size, contestants });
  } finally {
    await rm(folder, { recursive: true });
  }
}
