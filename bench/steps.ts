/**
 * Time of a training step over a long training, which must stay flat.
 *
 * npm run bench -- steps [--engines native,wasm] [--steps 5000] [--windows 10] [--batch 10] [--threads 0] [--json]
 *
 * The article's network on made-up pictures. Labels change from step to step, so that nothing is ever learnt for good and
 * gradients stay; weights whose gradients are 0 from some step on, as those behind a dead ReLU, are there anyway. Their
 * moments in Adam shrink for ever, down to denormal numbers after some 650 steps, unless the kernel flushes them.
 * Each engine in a process of its own, one after the other. Processor time, in windows of the same number of steps.
 */
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { articleTraining } from './inputs/article_training.ts';
import { answerParent, inChild, taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { type Spent, timed } from './measure/spent.ts';
import { round } from './measure/statistics.ts';

const options = readOptions({
  engines: ['native', 'wasm'] as EngineName[],
  steps: 5000,
  windows: 10,
  batch: 10,
  threads: 0,
});
const stepsPerWindow = Math.ceil(options.steps / options.windows);
const warmUpSteps = 20;

async function measure(name: EngineName): Promise<Spent[]> {
  await startEngine(name, { threads: options.threads });
  const { startStep, batch, stepsSoFar } = articleTraining(options.batch);
  const take = async (count: number) => {
    for (let i = 0; i < count; i++) {
      batch.labels = batch.labels.map((_, at) => (at + stepsSoFar()) % 2);
      startStep()();
    }
  };
  await take(warmUpSteps);
  const windows: Spent[] = [];
  for (let at = 0; at < options.windows; at++) windows.push(await timed(() => take(stepsPerWindow)));
  return windows;
}

const engine = taskOfChild<EngineName>();
if (engine) answerParent(await measure(engine));
else {
  const windows = [];
  for (const name of options.engines) {
    const measured = await inChild<Spent[]>(import.meta.url, name);
    for (const [at, { wall, cpu }] of measured.entries())
      windows.push({
        engine: name,
        'steps up to': (at + 1) * stepsPerWindow + warmUpSteps,
        'ms/step': round(wall / stepsPerWindow, 1),
        'cpu ms/step': round(cpu / stepsPerWindow, 1),
        'x first': round(cpu / (measured[0] as Spent).cpu, 2),
      });
  }
  report('steps', options, { batchSize: options.batch, windows });
}
