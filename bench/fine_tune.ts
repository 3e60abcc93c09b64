/**
 * Speed and memory of fine-tuning EfficientNet-Lite0: our engines and PyTorch.
 *
 * npm run bench -- fine_tune [--batch 10,32] [--size 224] [--frozen 0] [--threads 0] [--engines native,wasm]
 *   [--against pytorch] [--pytorch-python python] [--rounds 5] [--json]
 *
 * Everyone takes whole training steps (forward, backward, Adam; batch normalisation in inference mode, its scale and offset
 * learn) on uint8 pictures in memory, from the same weights, in a process of their own. The losses of the first steps must
 * agree. Rounds alternate. --frozen: number of layers, from the pictures on, that do not learn. CPU time is that of all
 * threads together: on a busy machine it tells more than the clock.
 */
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { variablesOf } from '../src/layers/index.ts';
import { createModel } from '../src/models/model.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { networkToTune, weightsToTune } from './inputs/fine_tuning.ts';
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
} from './measure/training_steps.ts';

const options = readOptions({
  batch: [10, 32] as number[],
  size: 224,
  frozen: 0,
  threads: 0,
  rounds: 5,
  engines: ['native', 'wasm'] as EngineName[],
  against: [] as string[],
  'pytorch-python': '',
});
const network = networkToTune('efficientnet-lite0', options.size);
const layers = network.layers ?? [];
const frozen = layers.slice(0, options.frozen).map(({ name }) => name);

async function measureEngine({ name, batch }: { name: EngineName; batch: number }): Promise<void> {
  const { description } = await startEngine(name, { threads: options.threads });
  const model = createModel(network, { restored: weightsToTune(network), frozen, frozenStatistics: true });
  await converseAboutSteps(description, model, batch);
}

async function startOurs(name: EngineName, batch: number): Promise<Contestant> {
  const own = ['--import', 'tsx', fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const environment = { ...process.env, BENCH_TASK: JSON.stringify({ name, batch }) };
  return { name, batch, ...(await startConversation([process.execPath, ...own], environment)) };
}

async function startPytorch(batch: number, folder: string): Promise<Contestant> {
  const weights = weightsToTune(network);
  const tensors = layers.flatMap(variablesOf);
  const bytes = tensors.map(({ name }) => Buffer.from((weights.get(name) as Float32Array).buffer));
  writeFileSync(join(folder, 'weights.bin'), Buffer.concat(bytes));
  const { size } = options;
  const sizes = { batch, width: size, height: size, classes: network.classes.length };
  const task = {
    ...sizes,
    layers,
    tensors,
    weights: join(folder, 'weights.bin'),
    frozen,
    learningRate,
    checkedSteps,
  };
  writeFileSync(join(folder, 'task.json'), JSON.stringify(task));
  const python = pythonWith('pytorch', options['pytorch-python']);
  const command = pythonScript(python, 'fine_tune_pytorch.py', join(folder, 'task.json'), options.threads);
  return { name: 'pytorch', batch, ...(await startConversation(command)) };
}

async function compare(batch: number, folder: string) {
  const contestants: Contestant[] = [];
  for (const name of options.engines) contestants.push(await startOurs(name, batch));
  if (options.against.includes('pytorch')) contestants.push(await startPytorch(batch, folder));
  return compareSteps(contestants, options.rounds);
}

const task = taskOfChild<{ name: EngineName; batch: number }>();
if (task) {
  await measureEngine(task);
} else {
  const folder = await mkdtemp(join(tmpdir(), 'bat-sup-bench-'));
  try {
    const contestants = [];
    for (const batch of options.batch) contestants.push(...(await compare(batch, folder)));
    report('fine_tune', options, { size: options.size, contestants });
  } finally {
    await rm(folder, { recursive: true });
  }
}
