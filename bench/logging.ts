/**
 * Cost of TensorBoard's logs in a training of the article's network.
 *
 * npm run bench -- logging [--engines native,wasm] [--pictures 1000] [--epochs 20] [--trainings 3] [--json]
 *
 * Two trainings of the same network on the same batches, one with the usual log and one without, take turns epoch by
 * epoch in one process, each epoch with its validation. The log records the first and the last epoch in detail, and as
 * many others as its share of the time allows. All of its cost counts: opening, every step, the details, drawing beside
 * the training, closing. Figures are medians over the trainings.
 */
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
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
import { temporaryFolder } from '../test/helpers/folder.ts';
import { writePhotographs } from './inputs/drawings.ts';
import { answerParent, inChild, taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { type Spent, timed } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({
  engines: ['native', 'wasm'] as EngineName[],
  pictures: 1000,
  epochs: 20,
  trainings: 3,
});

/** For the process that measures one engine. */
interface Task {
  engine: EngineName;
  folder: string;
}

interface Measured {
  steps: number;
  trainings: { on: Spent; off: Spent; detailed: number; logBytes: number }[];
}

/** Longer than the drawing beside the training takes after an epoch. */
const drawingMs = 700;

/** Includes the drawing that the work leaves behind; of its time, as much as keeps the main thread from training. */
async function spentBy(work: () => Promise<void>): Promise<Spent> {
  let active = 0;
  let wall = 0;
  const { cpu } = await timed(async () => {
    wall = (await timed(work)).wall;
    const before = performance.eventLoopUtilization();
    await setTimeout(drawingMs);
    active = performance.eventLoopUtilization(before).active;
  });
  return { wall: wall + active, cpu };
}

function add(sum: Spent, { wall, cpu }: Spent): void {
  sum.wall += wall;
  sum.cpu += cpu;
}

async function measure({ engine: name, folder }: Task): Promise<Measured> {
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
  const { epochs } = options;
  const steps = Math.floor(split.train.length / batchSize);
  let step = 0;
  let detailed = 0;

  async function epoch(log: TrainingLog | undefined, isLastEpoch: boolean): Promise<void> {
    const order = shuffle(split.train, String(step)).slice(0, steps * batchSize);
    const lastStep = step + steps;
    let before = performance.now();
    let pending: (() => BatchResult) | undefined;
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
      if (pending) record(pending, step - 1);
      pending = next;
    }
    if (pending) record(pending, step);
    const watch = log?.watchValidation(split.validation);
    for await (const batch of batches(pack, dataset.pictures, split.validation, batchSize))
      evaluateBatch(model, batch, watch);
    log?.epoch(step, { loss: 1, accuracy: 0.5, validationLoss: 1, validationAccuracy: 0.5 });
    await log?.flush();
  }

  async function training(run: string): Promise<Measured['trainings'][number]> {
    mkdirSync(run);
    const on = { wall: 0, cpu: 0 };
    const off = { wall: 0, cpu: 0 };
    detailed = 0;
    let log: TrainingLog | undefined;
    const description = { settings, dataset, split, pack, model, firstStep: step + 1 };
    const open = async () => {
      log = await openTrainingLog(run, description);
    };
    add(on, await spentBy(open));
    const logged = async (isLast: boolean) => add(on, await spentBy(() => epoch(log, isLast)));
    const plain = async () => add(off, await spentBy(() => epoch(undefined, false)));
    for (let number = 1; number <= epochs; number++) {
      const loggedFirst = number % 2 === 1; // so that neither always follows the other
      if (loggedFirst) await logged(number === epochs);
      await plain();
      if (!loggedFirst) await logged(number === epochs);
    }
    add(on, await spentBy(async () => log?.close()));
    return { on, off, detailed, logBytes: bytesOfLogs(run) };
  }

  await epoch(undefined, false); // the first epoch of a process is slow
  const trainings: Measured['trainings'] = [];
  for (let n = 1; n <= options.trainings; n++) {
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
  const { epochs } = options;
  const over = (value: (training: Measured['trainings'][number]) => number) => median(trainings.map(value));
  return {
    engine,
    epochs,
    'steps per epoch': steps,
    'ms per epoch, no log': Math.round(over(({ off }) => off.wall) / epochs),
    'with log': Math.round(over(({ on }) => on.wall) / epochs),
    'ratio of time': round(
      over(({ on, off }) => on.wall / off.wall),
      4,
    ),
    'ratio of CPU time': round(
      over(({ on, off }) => on.cpu / off.cpu),
      4,
    ),
    'epochs in detail': over(({ detailed }) => detailed),
    'KiB of log per epoch': Math.round(over(({ logBytes }) => logBytes) / 1024 / epochs),
  };
}

async function compare(): Promise<void> {
  const folder = temporaryFolder();
  await writePhotographs(join(folder, 'data'), options.pictures);
  const rows = [];
  for (const engine of options.engines)
    rows.push(rowOf(engine, await inChild<Measured>(import.meta.url, { engine, folder })));
  report('logging', options, { rows });
}

const task = taskOfChild<Task>();
if (task) answerParent(await measure(task));
else await compare();
