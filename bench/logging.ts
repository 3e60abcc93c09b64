/**
 * What TensorBoard's logs cost a training of the article's network:
 * npm run bench -- logging [--engines native,wasm] [--pictures 1000] [--epochs 20] [--trainings 3] [--json]
 * Two trainings of the same network and batches, one with the log as every training has it and one with none, take
 * turns epoch by epoch in one process, with a validation after each. The log shows the first and the last epoch in
 * detail, and of the others those that its share of the time allows. What is measured is all that it costs: opening,
 * every step, the details, drawing beside the training, closing. The figures are medians over the trainings.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readSettings } from '../src/config/index.ts';
import { batches } from '../src/dataset/batches.ts';
import { packPictures } from '../src/dataset/pack.ts';
import { scanDataset } from '../src/dataset/scan.ts';
import { shuffle } from '../src/dataset/shuffle.ts';
import { splitPictures } from '../src/dataset/split.ts';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { createModel } from '../src/models/model.ts';
import { Adam } from '../src/training/adam.ts';
import { type BatchResult, evaluateBatch, trainStep } from '../src/training/step.ts';
import { openTrainingLog, type TrainingLog } from '../src/training/training_log.ts';
import { writePhotographs } from './drawings.ts';
import { inChild } from './measure/in_child.ts';
import { median } from './measure/median.ts';

const { values: options } = parseArgs({
  options: {
    engines: { type: 'string', default: 'native,wasm' },
    pictures: { type: 'string', default: '1000' },
    epochs: { type: 'string', default: '20' },
    trainings: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});

/** Milliseconds of one training's epochs. */
interface Spent {
  wall: number;
  /** Of all the process's threads. */
  cpu: number;
}

interface Measured {
  steps: number;
  trainings: { on: Spent; off: Spent; detailed: number; logBytes: number }[];
}

/** Longer than what is drawn beside the training takes after an epoch. */
const drawingMs = 700;

/** @returns of work and of the drawing it leaves behind; of the latter, what keeps the main thread from training. */
async function spentBy(work: () => Promise<void>): Promise<Spent> {
  const begin = performance.now();
  const used = process.cpuUsage();
  await work();
  const wall = performance.now() - begin;
  const before = performance.eventLoopUtilization();
  await setTimeout(drawingMs);
  const { active } = performance.eventLoopUtilization(before);
  const { user, system } = process.cpuUsage(used);
  return { wall: wall + active, cpu: (user + system) / 1000 };
}

function add(sum: Spent, { wall, cpu }: Spent): void {
  sum.wall += wall;
  sum.cpu += cpu;
}

async function measure(name: EngineName, folder: string): Promise<Measured> {
  const engine = await startEngine(name, { threads: 0 });
  const settings = { ...(await readSettings({})), data: join(folder, 'data') };
  const dataset = await scanDataset(settings.data);
  const pack = await packPictures(dataset, { folder: settings.data, size: settings, workers: 0 });
  const classes = dataset.classes.length;
  const split = splitPictures(dataset.pictures, {
    classes,
    share: 0.2,
    seed: 1,
    lookalikes: pack.lookalikes,
  });
  const { batchSize, learningRate } = settings;
  const model = createModel({ ...settings, architecture: 'article', classes: dataset.classes });
  const adam = new Adam(model.variables);
  const epochs = Number(options.epochs);
  const steps = Math.floor(split.train.length / batchSize);
  let step = 0;
  let detailed = 0;

  async function epoch(log: TrainingLog | undefined, isLastEpoch: boolean): Promise<void> {
    const order = shuffle(split.train, String(step)).slice(0, steps * batchSize);
    const lastStep = step + steps;
    let before = performance.now();
    let reading: (() => BatchResult) | undefined;
    const record = (read: () => BatchResult, at: number) => {
      const result = read();
      const now = performance.now();
      log?.step(at, { result, batchSize, learningRate, rate: (batchSize * 1000) / (now - before) });
      before = now;
    };
    for await (const batch of batches(pack, dataset.pictures, order, batchSize)) {
      const watch = ++step === lastStep ? log?.watchStep(step, isLastEpoch) : undefined;
      if (watch) detailed++;
      const next = trainStep(model, adam, batch, { step, learningRate, watch });
      if (reading) record(reading, step - 1);
      reading = next;
    }
    if (reading) record(reading, step);
    const watch = log?.watchValidation(split.validation);
    for await (const batch of batches(pack, dataset.pictures, split.validation, batchSize))
      evaluateBatch(model, batch, watch);
    log?.epoch(step, { loss: 1, accuracy: 0.5, validationLoss: 1, validationAccuracy: 0.5 });
    await log?.flush();
  }

  async function training(run: string): Promise<Measured['trainings'][number]> {
    mkdirSync(run);
    const [on, off] = [
      { wall: 0, cpu: 0 },
      { wall: 0, cpu: 0 },
    ];
    detailed = 0;
    let log: TrainingLog | undefined;
    const description = { settings, dataset, split, pack, model, firstStep: step + 1 };
    const open = async () => {
      log = await openTrainingLog(run, description);
    };
    add(on, await spentBy(open));
    const logged = async (isLast: boolean) => add(on, await spentBy(() => epoch(log, isLast)));
    const plain = async () => add(off, await spentBy(() => epoch(undefined, false)));
    for (let round = 1; round <= epochs; round++) {
      const loggedFirst = round % 2 === 1; // neither always runs after the other
      if (loggedFirst) await logged(round === epochs);
      await plain();
      if (!loggedFirst) await logged(round === epochs);
    }
    add(on, await spentBy(async () => log?.close()));
    return { on, off, detailed, logBytes: bytesOfLogs(run) };
  }

  await epoch(undefined, false); // the first of a process is slow
  const trainings: Measured['trainings'] = [];
  for (let n = 1; n <= Number(options.trainings); n++) {
    const one = await training(join(folder, `run-${name}-${n}`));
    trainings.push(one);
    const ratio = (of: keyof Spent) => (one.on[of] / one.off[of]).toFixed(4);
    console.error(`${name}, training ${n}: ${ratio('wall')} of the time, ${ratio('cpu')} of the CPU time`);
  }
  await engine.dispose();
  return { steps, trainings };
}

function bytesOfLogs(run: string): number {
  const files = readdirSync(run, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const events = files.filter(({ name }) => name.includes('tfevents'));
  return events.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function rowOf(engine: string, { steps, trainings }: Measured) {
  const epochs = Number(options.epochs);
  const over = (value: (training: Measured['trainings'][number]) => number) => median(trainings.map(value));
  const rounded = (value: number, digits: number) => Number(value.toFixed(digits));
  return {
    engine,
    epochs,
    'steps an epoch': steps,
    'ms an epoch, no log': Math.round(over(({ off }) => off.wall) / epochs),
    'with log': Math.round(over(({ on }) => on.wall) / epochs),
    'ratio of time': rounded(
      over(({ on, off }) => on.wall / off.wall),
      4,
    ),
    'ratio of CPU time': rounded(
      over(({ on, off }) => on.cpu / off.cpu),
      4,
    ),
    'epochs in detail': over(({ detailed }) => detailed),
    'KiB of log an epoch': Math.round(over(({ logBytes }) => logBytes) / 1024 / epochs),
  };
}

async function compare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bat-sup-bench-'));
  try {
    await writePhotographs(join(folder, 'data'), Number(options.pictures));
    const rows = [];
    for (const name of options.engines.split(',') as EngineName[])
      rows.push(
        rowOf(name, await inChild<Measured>(import.meta.url, { BENCH_ENGINE: name, BENCH_FOLDER: folder })),
      );
    if (options.json) console.log(JSON.stringify({ bench: 'logging', rows }));
    else console.table(rows);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const own = process.env.BENCH_ENGINE as EngineName | undefined;
if (own) {
  process.send?.(await measure(own, process.env.BENCH_FOLDER as string));
  process.disconnect();
} else {
  await compare();
}
