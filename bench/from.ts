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
import { pythonScript, pythonWith } from './against/python.ts';
import { startConversation } from './measure/conversation.ts';
import { taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import {
  type Contestant,
  checkedSteps,
  compareSteps,
  converseAboutSteps,
  learningRate,
} from './training/steps.ts';

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
  await converseAboutSteps(description, model, batch);
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

async function compare(batch: number, folder: string) {
  const file = join(folder, `start-${batch}.${options.by === 'keras' ? 'keras' : 'onnx'}`);
  const other = await startOther(batch, file);
  const contestants: Contestant[] = [];
  for (const name of options.engines) contestants.push(await startOurs(name, batch, file));
  contestants.push(other);
  return compareSteps(contestants, options);
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
