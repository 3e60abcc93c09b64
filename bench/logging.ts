/**
 * What TensorBoard's logs cost a training of the article's network:
 * npm run bench -- logging [--engines native,wasm] [--pictures 1000] [--rounds 8] [--json]
 * Whole epochs with and without the log alternate, with a validation after each: of the same batches, in one process.
 * Every epoch with the log has all its details, whatever share of the time the log would grant them.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    rounds: { type: 'string', default: '8' },
    json: { type: 'boolean', default: false },
  },
});

/** Milliseconds. */
interface Epoch {
  /** The steps. */
  learning: number;
  /** The validation, and what is logged after it. */
  after: number;
  /** Of all the process's threads, in both. */
  cpu: number;
}

interface Measured {
  steps: number;
  rounds: { on: Epoch; off: Epoch }[];
  logBytes: number;
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
  const run = join(folder, `run-${name}`);
  mkdirSync(run);
  const log = await openTrainingLog(run, { settings, dataset, split, pack, model, firstStep: 1 });
  const steps = Math.floor(split.train.length / batchSize);
  let step = 0;

  async function epoch(log: TrainingLog | undefined): Promise<Epoch> {
    const order = shuffle(split.train, String(step)).slice(0, steps * batchSize);
    const lastStep = step + steps;
    const begin = performance.now();
    const used = process.cpuUsage();
    let reading: (() => BatchResult) | undefined;
    const record = (read: () => BatchResult, at: number) => {
      const result = read();
      log?.step(at, { result, batchSize, learningRate, rate: 100 });
    };
    for await (const batch of batches(pack, dataset.pictures, order, batchSize)) {
      const watch = ++step === lastStep ? log?.watchStep(step, true) : undefined;
      const next = trainStep(model, adam, batch, { step, learningRate, watch });
      if (reading) record(reading, step - 1);
      reading = next;
    }
    if (reading) record(reading, step);
    const learned = performance.now();
    const watch = log?.watchValidation(split.validation);
    for await (const batch of batches(pack, dataset.pictures, split.validation, batchSize))
      evaluateBatch(model, batch, watch);
    log?.epoch(step, { loss: 1, accuracy: 0.5, validationLoss: 1, validationAccuracy: 0.5 });
    await log?.flush();
    const { user, system } = process.cpuUsage(used);
    return { learning: learned - begin, after: performance.now() - learned, cpu: (user + system) / 1000 };
  }

  // The first ones of a process are slow, and the log's first draws more than the others.
  await epoch(log);
  await epoch(undefined);
  const rounds: Measured['rounds'] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    const loggedFirst = round % 2 === 0; // neither always runs after the other
    const a = await epoch(loggedFirst ? log : undefined);
    const b = await epoch(loggedFirst ? undefined : log);
    rounds.push(loggedFirst ? { on: a, off: b } : { on: b, off: a });
  }
  await log.close();
  await engine.dispose();
  const files = readdirSync(run, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const events = files.filter(({ name }) => name.includes('tfevents'));
  const logBytes = events.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  return { steps, rounds, logBytes };
}

function rowOf(engine: string, { steps, rounds, logBytes }: Measured) {
  const perStep = (which: 'on' | 'off') => median(rounds.map((round) => round[which].learning)) / steps;
  const whole = ({ learning, after }: Epoch) => learning + after;
  const ratio = median(rounds.map(({ on, off }) => whole(on) / whole(off)));
  const ratioOfSteps = median(rounds.map(({ on, off }) => on.learning / off.learning));
  return {
    engine,
    'steps an epoch': steps,
    'ms a step, no log': Number(perStep('off').toFixed(1)),
    'with log': Number(perStep('on').toFixed(1)),
    'ratio of steps': Number(ratioOfSteps.toFixed(3)),
    'ms after an epoch, more': Math.round(median(rounds.map(({ on, off }) => on.after - off.after))),
    'ratio of epochs': Number(ratio.toFixed(3)),
    'ratio of CPU time': Number(median(rounds.map(({ on, off }) => on.cpu / off.cpu)).toFixed(3)),
    'KiB of log an epoch': Math.round(logBytes / 1024 / (rounds.length + 1)),
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
