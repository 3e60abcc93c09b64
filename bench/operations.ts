/**
 * Where a training step of the native engine spends its time, per TensorFlow operation:
 * npm run bench -- operations [--batch 10] [--threads 2] [--precision float32] [--json]
 * On a GPU operations are only queued when they return, so that this tells of the CPU alone.
 */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../src/engine/index.ts';
import type { NodeBackend } from '../src/engine/native/backend.ts';
import { createModel } from '../src/models/model.ts';
import { Adam } from '../src/training/adam.ts';
import { trainStep } from '../src/training/step.ts';

const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '10' },
    threads: { type: 'string', default: '0' },
    precision: { type: 'string', default: 'float32' },
    steps: { type: 'string', default: '40' },
    json: { type: 'boolean', default: false },
  },
});
const batchSize = Number(options.batch);
const steps = Number(options.steps);

const engine = await startEngine('native', {
  threads: Number(options.threads),
  precision: options.precision as 'float32' | 'bf16',
});
const classes = ['bat', 'sup'];
const model = createModel({ architecture: 'article', width: 100, height: 100, channels: 3, classes });
const adam = new Adam(model.variables);
const pixels = Uint8Array.from({ length: batchSize * 100 * 100 * 3 }, (_, index) => (index * 7919) % 256);
const labels = Array.from({ length: batchSize }, (_, index) => index % 2);
let step = 0;
const trainOnce = () => trainStep(model, adam, { pixels, labels }, { step: ++step, learningRate: 1e-4 })();
for (let i = 0; i < 5; i++) trainOnce();

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
for (let i = 0; i < steps; i++) trainOnce();
const whole = (performance.now() - before) / steps;

const rows = [...milliseconds]
  .map(([operation, times]) => ({
    operation,
    calls: times.length / steps,
    'ms/step': Number((times.reduce((sum, time) => sum + time, 0) / steps).toFixed(2)),
  }))
  .sort((a, b) => b['ms/step'] - a['ms/step']);
const known = rows.reduce((sum, row) => sum + row['ms/step'], 0);
rows.unshift({
  operation: 'JavaScript, uploads and reading back',
  calls: 1,
  'ms/step': Number((whole - known).toFixed(2)),
});
if (options.json)
  console.log(JSON.stringify({ bench: 'operations', batchSize, step: whole, operations: rows }));
else {
  console.table(rows.filter((row) => row['ms/step'] >= 0.05));
  console.log(`${engine.description}: ${whole.toFixed(1)} ms a step at batch ${batchSize}`);
}
