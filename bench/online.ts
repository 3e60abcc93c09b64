/**
 * Cost of --augment online in a training of the article's network.
 *
 * npm run bench -- online [--engine native] [--threads 0] [--pictures 300] [--rounds 10] [--json]
 *
 * Epochs with and without it alternate in one process, on the same batches. Pictures are varied in a thread of its own,
 * which costs no time where a core is free; its work shows in the CPU time.
 */
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
import { temporaryFolder } from '../test/helpers/folder.ts';
import { writePhotographs } from './inputs/drawings.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { type Spent, timed } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({ engine: 'native' as EngineName, threads: 0, pictures: 300, rounds: 10 });

const folder = temporaryFolder();
await writePhotographs(folder, options.pictures);
const engine = await startEngine(options.engine, { threads: options.threads });
const settings = { ...(await readSettings({})), data: folder };
const { batchSize, learningRate } = settings;
const dataset = await scanDataset(folder);
const pack = await packPictures(dataset, { folder, size: settings, workers: 0 });
const model = createModel({ ...settings, architecture: 'article', classes: dataset.classes });
const adam = new Adam(model.variables);
const online = await startOnlineFor(dataset, settings);
const steps = Math.floor(dataset.pictures.length / batchSize);
let step = 0;

function epoch(number: number, isVaried: boolean): Promise<Spent> {
  const every = dataset.pictures.map((_, index) => index);
  const order = shuffle(every, String(number)).slice(0, steps * batchSize);
  const used = isVaried ? online : undefined;
  const vary = augmentationOf(used, settings.seed, number);
  return timed(async () => {
    let read: (() => unknown) | undefined;
    for await (const batch of batches(pack, dataset.pictures, order, batchSize, vary)) {
      const next = trainStep(model, adam, batch, { step: ++step, learningRate });
      read?.();
      read = next;
    }
    read?.();
  });
}

// The first epochs of a process are slow.
await epoch(0, true);
await epoch(0, false);
const rounds: { on: Spent; off: Spent }[] = [];
for (let number = 1; number <= options.rounds; number++) {
  const onFirst = number % 2 === 0; // so that neither always follows the other
  const first = await epoch(number, onFirst);
  const second = await epoch(number, !onFirst);
  rounds.push(onFirst ? { on: first, off: second } : { on: second, off: first });
}
await online.close();

const rate = (which: 'on' | 'off') =>
  Math.round((steps * batchSize * 1000) / median(rounds.map((epochs) => epochs[which].wall)));
const row = {
  engine: engine.description,
  'img/s without': rate('off'),
  'img/s with': rate('on'),
  'ratio of time': round(median(rounds.map(({ on, off }) => on.wall / off.wall)), 3),
  'ratio of CPU time': round(median(rounds.map(({ on, off }) => on.cpu / off.cpu)), 3),
  'extra CPU ms per batch': round(median(rounds.map(({ on, off }) => (on.cpu - off.cpu) / steps)), 2),
};
await engine.dispose();
report('online', options, { batchSize, rows: [row] });
