/**
 * Where a training step's time goes, by operation, and how near each is to what the machine can do.
 *
 * npm run bench -- operations [--engine native] [--network article] [--batch 10] [--threads 0] [--precision float32]
 *   [--steps 40] [--json]
 *
 * Native: TensorFlow's operations and ours among them; wasm: tfjs's kernels. An operation can take no less than its
 * multiplications at the rate of a large product of matrices on this engine, and no less than its numbers at the rate of
 * copying memory, both measured in the same run; "bound" is the larger of the two, in percent of the time it took. More than
 * 100 means that the numbers were still in the cache. For CPUs only: on a GPU an operation returns as soon as it is queued.
 */
import { availableParallelism } from 'node:os';
import { startEngine } from '../src/engine/index.ts';
import type { ArchitectureName } from '../src/models/index.ts';
import { articleTraining } from './inputs/article_training.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { memoryBandwidth, needsOf, peakOfProducts } from './measure/roofline.ts';
import { round } from './measure/statistics.ts';
import { type Execution, timeNativeOperations, timeWasmKernels } from './measure/timed_operations.ts';

const options = readOptions({
  engine: 'native' as 'native' | 'wasm',
  network: 'article' as ArchitectureName,
  batch: 10,
  threads: 0,
  precision: 'float32' as 'float32' | 'bf16',
  steps: 40,
});
const { steps, batch: batchSize } = options;

const engine = await startEngine(options.engine, options);
const { startStep } = articleTraining(batchSize, options.network);
const take = (count: number) => {
  for (let i = 0; i < count; i++) startStep()();
};
take(5);
const gigabytesPerSecond = await memoryBandwidth(options.threads || availableParallelism());
const gigaflopsPerSecond = peakOfProducts();

const executions = new Map<string, Execution[]>();
const collect = (execution: Execution) => {
  const key = `${execution.operation} [${execution.outputs[0] ?? ''}]`;
  executions.set(key, [...(executions.get(key) ?? []), execution]);
};
if (options.engine === 'native') timeNativeOperations(collect);
else timeWasmKernels(collect);
const before = performance.now();
take(steps);
const whole = (performance.now() - before) / steps;

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0) / steps;
const rows = [...executions]
  .map(([operation, all]) => {
    const milliseconds = sum(all.map((one) => one.milliseconds));
    const needs = all.map(needsOf);
    const gigaflop = sum(needs.map((one) => one.gigaflop));
    const gigabytes = sum(needs.map((one) => one.gigabytes));
    const least = 1000 * Math.max(gigaflop / gigaflopsPerSecond, gigabytes / gigabytesPerSecond);
    return {
      operation,
      calls: all.length / steps,
      'ms/step': round(milliseconds, 2),
      'GFLOP/s': round((1000 * gigaflop) / milliseconds, 0),
      'GB/s': round((1000 * gigabytes) / milliseconds, 1),
      'bound, %': round((100 * least) / milliseconds, 0),
    };
  })
  .sort((a, b) => b['ms/step'] - a['ms/step']);
const javaScript = whole - rows.reduce((total, row) => total + row['ms/step'], 0);
const shown = options.json ? rows : rows.filter((row) => row['ms/step'] >= 0.05);
report('operations', options, {
  batchSize,
  step: whole,
  javaScript,
  gigaflopsPerSecond,
  gigabytesPerSecond,
  operations: shown,
});
console.error(
  `${engine.description}: ${whole.toFixed(1)} ms per step at batch ${batchSize}, of which ${javaScript.toFixed(1)} in JavaScript, uploads and reading back; peak ${gigaflopsPerSecond.toFixed(0)} GFLOP/s, ${gigabytesPerSecond.toFixed(0)} GB/s`,
);
process.exit();
