/**
 * Accuracy and time of --precision bf16 on a GPU, against float32.
 *
 * npm run bench -- precision [--seeds 3] [--epochs 4] [--engine native] [--json]
 *
 * Trains on the demo's drawings of animals and food, and evaluates on drawings by a designer whom the network has never
 * seen. Both precisions start from the same weights and see the same batches; their trainings alternate. A CPU computes
 * the same numbers, so accuracies count there as well; the seconds do not.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import type { NodeBackend } from '../src/engine/native/backend.ts';
import { registerKernels } from '../src/engine/native/kernels.ts';
import { useMixedPrecision } from '../src/engine/native/product.ts';
import { evaluateBatch } from '../src/training/step.ts';
import { batchesOf, drawings, examplesOf, trainOnDrawings } from './inputs/drawings.ts';
import { answerParent, inChild, taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { mean, round } from './measure/statistics.ts';

const options = readOptions({ seeds: 3, epochs: 4, engine: 'native' as EngineName });

/** For the process of one training. */
interface Task {
  precision: 'float32' | 'bf16';
  seed: number;
}

interface Trained {
  loss: number;
  accuracy: number;
  seconds: number;
}

async function train({ precision, seed }: Task): Promise<Trained> {
  const [trainingSet, evaluationSet] = await Promise.all([
    examplesOf(drawings.training, 2),
    examplesOf(drawings.heldOut, 1),
  ]);
  await startEngine(options.engine, { threads: 0 });
  if (precision === 'bf16') {
    const backend = tf.backend() as unknown as NodeBackend;
    registerKernels(backend, { operations: false });
    useMixedPrecision(backend, true);
  }
  const before = performance.now();
  const { model, loss } = trainOnDrawings(trainingSet, { epochs: options.epochs, seed });
  const seconds = (performance.now() - before) / 1000;
  const correct = [...batchesOf(evaluationSet)].map((batch) => evaluateBatch(model, batch).correct);
  return { loss, accuracy: correct.reduce((sum, count) => sum + count, 0) / evaluationSet.length, seconds };
}

async function compare(): Promise<void> {
  const results = { float32: [] as Trained[], bf16: [] as Trained[] };
  for (let seed = 1; seed <= options.seeds; seed++)
    for (const precision of ['float32', 'bf16'] as const)
      results[precision].push(await inChild<Trained>(import.meta.url, { precision, seed }));
  const rows = Object.entries(results).map(([precision, trained]) => ({
    precision,
    'held-out accuracy': round(mean(trained.map(({ accuracy }) => accuracy)), 4),
    'of each seed': trained.map(({ accuracy }) => accuracy.toFixed(3)).join(' '),
    'last training loss': round(mean(trained.map(({ loss }) => loss)), 4),
    seconds: round(mean(trained.map(({ seconds }) => seconds)), 1),
  }));
  report('precision', options, { engine: options.engine, rows });
}

const task = taskOfChild<Task>();
if (task) answerParent(await train(task));
else await compare();
