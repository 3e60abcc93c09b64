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
import { Adam } from '../src/training/adam.ts';
import { trainStep } from '../src/training/step.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { networkToTune, weightsToTune } from './inputs/fine_tuning.ts';
import { type Conversation, converse, startConversation } from './measure/conversation.ts';
import { taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { alternate } from './measure/rounds.ts';
import { peakMebibytes, timed } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

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

const network = networkToTune('efficientnet-lite0', options.size);
const layers = network.layers ?? [];
const frozen = layers.slice(0, options.frozen).map(({ name }) => name);

async function measureEngine({ name, batch }: { name: EngineName; batch: number }): Promise<void> {
  const { description } = await startEngine(name, { threads: options.threads });
  const model = createModel(network, { restored: weightsToTune(network), frozen, frozenStatistics: true });
  const adam = new Adam(model.variables);
  const pixels = Uint8Array.from({ length: batch * options.size ** 2 * 3 }, (_, i) => (i * 7919) % 251);
  const labels = Array.from({ length: batch }, (_, row) => row % network.classes.length);
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
  const contestants: Contestant[] = [];
  for (const name of options.engines) contestants.push(await startOurs(name, batch));
  if (options.against.includes('pytorch')) contestants.push(await startPytorch(batch, folder));
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
