/**
 * What --precision bf16 on a GPU costs in accuracy and gains in time, on the demo's drawings of animals and food by a
 * maker that the network has never seen: npm run bench -- precision [--seeds 3] [--epochs 4] [--engine native] [--json]
 * Both precisions start from the same weights and see the same batches; their trainings alternate. On a CPU it computes
 * the same, so that the accuracies count there as well; the seconds do not.
 */
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { shuffle } from '../src/dataset/shuffle.ts';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import type { NodeBackend } from '../src/engine/native/backend.ts';
import { registerKernels } from '../src/engine/native/kernels/index.ts';
import { useMixedPrecision } from '../src/engine/native/product.ts';
import { decodePicture } from '../src/images/decode.ts';
import { createModel } from '../src/models/model.ts';
import { Adam } from '../src/training/adam.ts';
import { evaluateBatch, trainStep } from '../src/training/step.ts';
import { drawings, photographOf } from './drawings.ts';
import { inChild } from './measure/in_child.ts';

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3' },
    epochs: { type: 'string', default: '4' },
    engine: { type: 'string', default: 'native' },
    json: { type: 'boolean', default: false },
  },
});
const precisions = ['float32', 'bf16'] as const;
type Precision = (typeof precisions)[number];
const batchSize = 10;
const size = { width: 100, height: 100, channels: 3, fit: 'fill' } as const;
const classes = ['animals', 'food'];

interface Trained {
  loss: number;
  accuracy: number;
  seconds: number;
}

type Example = { pixels: Uint8Array; label: number };

async function examplesOf(list: typeof drawings.rawdata, shots: number): Promise<Example[]> {
  const all = list.flatMap((drawing) => Array.from({ length: shots }, (_, shot) => ({ drawing, shot })));
  return Promise.all(
    all.map(async ({ drawing, shot }) => ({
      pixels: await decodePicture(await photographOf(drawing, shot), size),
      label: classes.indexOf(drawing.className),
    })),
  );
}

function* batchesOf(examples: Example[]) {
  for (let start = 0; start < examples.length; start += batchSize) {
    const batch = examples.slice(start, start + batchSize);
    yield {
      pixels: Buffer.concat(batch.map(({ pixels }) => pixels)),
      labels: batch.map(({ label }) => label),
    };
  }
}

async function trainInPrecision(precision: Precision, seed: number): Promise<Trained> {
  const [lessons, exam] = await Promise.all([
    examplesOf(drawings.rawdata, 2),
    examplesOf([...drawings.seen, ...drawings.unseen], 1),
  ]);
  await startEngine(options.engine as EngineName, { threads: 0 });
  if (precision === 'bf16') {
    const backend = tf.backend() as unknown as NodeBackend;
    registerKernels(backend, { operations: false });
    useMixedPrecision(backend, true);
  }
  const model = createModel(
    { architecture: 'article', classes, width: 100, height: 100, channels: 3 },
    { seed },
  );
  const adam = new Adam(model.variables);
  const before = performance.now();
  let step = 0;
  let loss = 0;
  for (let epoch = 0; epoch < Number(options.epochs); epoch++) {
    loss = 0;
    const whole = lessons.length - (lessons.length % batchSize);
    const order = shuffle(lessons, `${seed}/${epoch}`).slice(0, whole);
    for (const batch of batchesOf(order))
      loss +=
        trainStep(model, adam, batch, { step: ++step, learningRate: 3e-4 })().loss / (whole / batchSize);
  }
  const seconds = (performance.now() - before) / 1000;
  const right = [...batchesOf(exam)].reduce((sum, batch) => sum + evaluateBatch(model, batch).correct, 0);
  return { loss, accuracy: right / exam.length, seconds };
}

async function compare(): Promise<void> {
  const results = new Map(precisions.map((precision) => [precision, [] as Trained[]]));
  for (let seed = 1; seed <= Number(options.seeds); seed++)
    for (const precision of precisions) {
      const environment = { BENCH_PRECISION: precision, BENCH_SEED: String(seed) };
      results.get(precision)?.push(await inChild<Trained>(import.meta.url, environment));
    }
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const rows = [...results].map(([precision, trained]) => ({
    precision,
    'held-out accuracy': Number(mean(trained.map(({ accuracy }) => accuracy)).toFixed(4)),
    'of each seed': trained.map(({ accuracy }) => accuracy.toFixed(3)).join(' '),
    'last training loss': Number(mean(trained.map(({ loss }) => loss)).toFixed(4)),
    seconds: Number(mean(trained.map(({ seconds }) => seconds)).toFixed(1)),
  }));
  if (options.json) console.log(JSON.stringify({ bench: 'precision', engine: options.engine, rows }));
  else console.table(rows);
}

const own = process.env.BENCH_PRECISION as Precision | undefined;
if (own) {
  process.send?.(await trainInPrecision(own, Number(process.env.BENCH_SEED)));
  process.disconnect();
} else {
  await compare();
}
