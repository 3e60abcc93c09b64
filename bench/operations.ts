/**
 * Time of a training step of the native engine by TensorFlow operation.
 *
 * npm run bench -- operations [--batch 10] [--threads 0] [--precision float32] [--steps 40] [--json]
 *
 * For CPUs only: on a GPU an operation returns as soon as it is queued.
 */
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../src/engine/index.ts';
import type { NodeBackend } from '../src/engine/native/backend.ts';
import { articleTraining } from './inputs/article_training.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { round } from './measure/statistics.ts';

const options = readOptions({
  batch: 10,
  threads: 0,
  precision: 'float32' as 'float32' | 'bf16',
  steps: 40,
});
const { steps, batch: batchSize } = options;

const engine = await startEngine('native', options);
const { startStep } = articleTraining(batchSize);
const take = (count: number) => {
  for (let i = 0; i < count; i++) startStep()();
};
take(5);

const backend = tf.backend() as unknown as NodeBackend;
const { binding } = backend;
const milliseconds = new Map<string, number[]>();
const timed: typeof binding.executeOp = (name, attributes, inputs, outputs) => {
  const before = performance.now();
  const results = binding.executeOp(name, attributes, inputs, outputs);
  const key = `${name} [${results[0]?.shape ?? ''}]`;
  milliseconds.set(key, [...(milliseconds.get(key) ?? []), performance.now() - before]);
  return results;
};
backend.binding = Object.create(binding, { executeOp: { value: timed } });
const before = performance.now();
take(steps);
const whole = (performance.now() - before) / steps;

const rows = [...milliseconds]
  .map(([operation, times]) => ({
    operation,
    calls: times.length / steps,
    'ms/step': round(times.reduce((sum, time) => sum + time, 0) / steps, 2),
  }))
  .sort((a, b) => b['ms/step'] - a['ms/step']);
const inOperations = rows.reduce((sum, row) => sum + row['ms/step'], 0);
rows.unshift({
  operation: 'JavaScript, uploads and reading back',
  calls: 1,
  'ms/step': round(whole - inOperations, 2),
});
const shown = options.json ? rows : rows.filter((row) => row['ms/step'] >= 0.05);
report('operations', options, { batchSize, step: whole, operations: shown });
console.error(`${engine.description}: ${whole.toFixed(1)} ms per step at batch ${batchSize}`);
