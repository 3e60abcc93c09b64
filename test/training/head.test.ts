/** A head on the features of a trained network, and fine-tuning from there, in a program. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { findCheckpoint, loadTensors } from '../../src/checkpoints/index.ts';
import { defaults, type Settings } from '../../src/config/index.ts';
import { type Engine, startEngine } from '../../src/engine/index.ts';
import { createModel } from '../../src/models/model.ts';
import { loadPredictor } from '../../src/predict/load_predictor.ts';
import { train } from '../../src/training/train.ts';
import type { Start } from '../../src/transfer/new_head.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const side = 24;
const folder = temporaryFolder();
const settings: Settings = {
  ...defaults,
  rawData: join(folder, 'none'),
  data: join(folder, 'data'),
  width: side,
  height: side,
  pretrained: 'efficientnet-lite0',
  batchSize: 4,
  epochs: 2,
  seed: 5,
};
let engine: Engine;
let start: Start;
const cacheBefore = process.env.XDG_CACHE_HOME;

/** A square of a colour on another, of a size and at a place that differ. */
async function draw(name: string, colour: string, index: number): Promise<void> {
  mkdirSync(join(settings.data, name), { recursive: true });
  const [size, at] = [6 + (index % 5), 2 + ((index * 3) % 11)];
  const background = { r: 40 * (index % 6), g: 200 - 30 * (index % 7), b: 90 };
  await sharp({ create: { width: side, height: side, channels: 3, background } })
    .composite([
      {
        input: { create: { width: size, height: size, channels: 3, background: colour } },
        left: at,
        top: at,
      },
    ])
    .png()
    .toFile(join(settings.data, name, `${index}.png`));
}

before(async () => {
  process.env.XDG_CACHE_HOME = join(folder, 'cache');
  for (let index = 0; index < 20; index++) {
    await draw('red', '#ff2010', index);
    await draw('blue', '#1020ff', index);
  }
  engine = await startEngine('wasm', { threads: 1 });
  const description = {
    architecture: 'deep',
    width: 32,
    height: 32,
    channels: 3,
    classes: ['x', 'y', 'z'],
  } as const;
  const model = createModel({ ...description, classes: [...description.classes] }, { seed: 3 });
  const values = [...model.variables, ...model.state].map(
    ([name, variable]) => [name, (variable.dataSync() as Float32Array).slice()] as const,
  );
  start = {
    description: { ...model.description, layers: model.layers },
    weights: new Map(values),
    preprocessing: { fit: 'fill', scale: 1, mean: [127, 120, 110], deviation: [64, 60, 50] },
  };
  model.dispose();
});
after(async () => {
  process.env.XDG_CACHE_HOME = cacheBefore;
  await engine.dispose();
});

test('the head learns, all other weights stay, and the checkpoint predicts what was measured', async () => {
  const run = join(folder, 'head');
  const heads: number[] = [];
  const events = { head: ({ C }: { C: number }) => heads.push(C) };
  const { finished, saved, best, position } = await train({ settings, run, start, engine, events });
  assert.deepEqual([finished, saved, best?.epoch, position.step], [true, true, 0, 0]);
  assert.equal(heads.length, 1);
  const checkpoint = await findCheckpoint(run, 'newest');
  const weights = await loadTensors(checkpoint, 'weights.bin');
  for (const [name, values] of start.weights)
    if (!name.startsWith('logits/')) assert.deepEqual(weights.get(name), values, name);
  const { model, preprocessing } = checkpoint.manifest;
  assert.deepEqual(model.classes, ['blue', 'red']);
  assert.deepEqual(
    [preprocessing.mean, preprocessing.deviation],
    [
      [127, 120, 110],
      [64, 60, 50],
    ],
  );
  const predictor = await loadPredictor(run);
  let correct = 0;
  for (const [label, name] of model.classes.entries())
    for (let index = 0; index < 20; index++) {
      const [answer] = await predictor.predict([
        await predictor.decode(join(settings.data, name, `${index}.png`)),
      ]);
      if ((answer?.[label] as number) > 0.5) correct++;
    }
  predictor.dispose();
  const held = Math.round(40 * settings.validationSplit);
  const expected =
    (best?.metrics.accuracy as number) * (40 - held) + (best?.metrics.validationAccuracy as number) * held;
  assert.ok(Math.abs(correct - expected) < 0.01, `${correct} right, ${expected} measured`);
});

test('a class more is another head from the same features', async () => {
  const more = { ...settings, data: join(folder, 'more') };
  const { data } = settings;
  Object.assign(settings, { data: more.data });
  for (let index = 0; index < 12; index++) {
    await draw('red', '#ff2010', index);
    await draw('green', '#10e020', index);
    await draw('blue', '#1020ff', index);
  }
  Object.assign(settings, { data });
  let known = 0;
  const events = {
    features(done: number) {
      known ||= done;
    },
  };
  const run = join(folder, 'more-run');
  await train({ settings: more, run, start, engine, events });
  assert.ok(known > 0, 'no features came from the cache');
  const { model } = (await findCheckpoint(run, 'newest')).manifest;
  assert.deepEqual(model.classes, ['blue', 'green', 'red']);
});

test('fine-tuning begins at the head, and weights are averaged with it', async () => {
  const tuned = { ...settings, fineTune: 1, ema: 0, learningRate: 0.003 };
  const run = join(folder, 'tuned');
  const { position, finished } = await train({ settings: tuned, run, start, engine });
  assert.deepEqual([position.epoch, finished], [2, true]);
  const checkpoint = await findCheckpoint(run, 'newest');
  const [weights, optimizer] = [
    await loadTensors(checkpoint, 'weights.bin'),
    await loadTensors(checkpoint, 'optimizer.bin'),
  ];
  const head = await loadTensors(await findCheckpoint(join(folder, 'head'), 'newest'), 'weights.bin');
  const [begun, now] = ['start', 'learnt'].map(
    (what) => optimizer.get(`logits/weights/${what}`) as Float32Array,
  );
  assert.deepEqual(begun, head.get('logits/weights'));
  const averages = weights.get('logits/weights') as Float32Array;
  for (const [index, value] of averages.entries()) {
    const expected = 0.25 * (begun?.[index] as number) + 0.75 * (now?.[index] as number);
    assert.ok(Math.abs(value - expected) <= 1e-6 * Math.abs(expected), `${value}, not ${expected}`);
  }
  assert.deepEqual(weights.get('conv1/weights'), start.weights.get('conv1/weights'));
});

test('a training that is stopped before its head is trained saves nothing', async () => {
  const run = join(folder, 'stopped');
  const { finished, saved } = await train({ settings, run, start, engine, signal: AbortSignal.abort() });
  assert.deepEqual([finished, saved], [false, false]);
});

test('what cannot learn from the features is refused in one line', async () => {
  const grey = { ...settings, channels: 1 as const };
  await assert.rejects(
    train({ settings: grey, run: join(folder, 'grey'), start, engine }),
    /^Error: The network to start from reads colour pictures; channels must be 3\.$/,
  );
});
