/**
 * What --augment online costs a training of the article's network:
 * npm run bench -- online [--engine native] [--threads 0] [--pictures 300] [--rounds 10] [--json]
 * Epochs with and without it alternate, of the same batches, in one process. The thread that varies runs beside the
 * engine, so that where a core is free it costs no time but its own, which the CPU time tells.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readSettings } from '../src/config/index.ts';
import { batches } from '../src/dataset/batches.ts';
import { packPictures } from '../src/dataset/pack.ts';
import { scanDataset } from '../src/dataset/scan.ts';
import { shuffle } from '../src/dataset/shuffle.ts';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { createModel } from '../src/models/model.ts';
import { Adam } from '../src/training/adam.ts';
import { augmentationOf, startOnlineFor } from '../src/training/online.ts';
import { trainStep } from '../src/training/step.ts';
import { writePhotographs } from './drawings.ts';
import { median } from './measure/median.ts';

const { values: options } = parseArgs({
  options: {
    engine: { type: 'string', default: 'native' },
    threads: { type: 'string', default: '0' },
    pictures: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
});

/** Milliseconds. */
interface Epoch {
  whole: number;
  /** Of all the process's threads. */
  cpu: number;
}

const folder = mkdtempSync(join(tmpdir(), 'bat-sup-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
await writePhotographs(folder, Number(options.pictures));
const engine = await startEngine(options.engine as EngineName, { threads: Number(options.threads) });
const settings = { ...(await readSettings({})), data: folder };
const { batchSize, learningRate } = settings;
const dataset = await scanDataset(folder);
const pack = await packPictures(dataset, { folder, size: settings, workers: 0 });
const model = createModel({ ...settings, architecture: 'article', classes: dataset.classes });
const adam = new Adam(model.variables);
const online = await startOnlineFor(dataset, settings);
const steps = Math.floor(dataset.pictures.length / batchSize);
let step = 0;

async function epoch(round: number, isVaried: boolean): Promise<Epoch> {
  const every = dataset.pictures.map((_, index) => index);
  const order = shuffle(every, String(round)).slice(0, steps * batchSize);
  const used = isVaried ? online : undefined;
  const vary = augmentationOf(used, settings.seed, round);
  const begin = performance.now();
  const cpuBefore = process.cpuUsage();
  let reading: (() => unknown) | undefined;
  for await (const batch of batches(pack, dataset.pictures, order, batchSize, vary)) {
    const next = trainStep(model, adam, batch, { step: ++step, learningRate });
    reading?.();
    reading = next;
  }
  reading?.();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { whole: performance.now() - begin, cpu: (user + system) / 1000 };
}

// The first ones of a process are slow.
await epoch(0, true);
await epoch(0, false);
const rounds: { on: Epoch; off: Epoch }[] = [];
for (let round = 1; round <= Number(options.rounds); round++) {
  const onFirst = round % 2 === 0; // neither always runs after the other
  const a = await epoch(round, onFirst);
  const b = await epoch(round, !onFirst);
  rounds.push(onFirst ? { on: a, off: b } : { on: b, off: a });
}
await online.close();

const rate = (which: 'on' | 'off') =>
  Math.round((steps * batchSize * 1000) / median(rounds.map((round) => round[which].whole)));
const row = {
  engine: engine.description,
  'img/s without': rate('off'),
  'img/s with': rate('on'),
  'ratio of time': Number(median(rounds.map(({ on, off }) => on.whole / off.whole)).toFixed(3)),
  'ratio of CPU time': Number(median(rounds.map(({ on, off }) => on.cpu / off.cpu)).toFixed(3)),
  'CPU ms a batch, more': Number(median(rounds.map(({ on, off }) => (on.cpu - off.cpu) / steps)).toFixed(2)),
};
await engine.dispose();
if (options.json) console.log(JSON.stringify({ bench: 'online', batchSize, ...row }));
else console.table([row]);
