/** Trainings with what a recipe can turn on: stopped and resumed, stopped early, and of many classes. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { designers, drawingsIn, openDrawings } from '../../demo/designers.ts';
import { findCheckpoint, listCheckpoints, loadTensors } from '../../src/checkpoints/index.ts';
import { type Config, type Settings, settingNames, settingsInForce } from '../../src/config/index.ts';
import { type Engine, startEngine } from '../../src/engine/index.ts';
import { decodePicture } from '../../src/images/decode.ts';
import { loadPredictor } from '../../src/predict/load_predictor.ts';
import { readHistory } from '../../src/runs/history.ts';
import { findLearningRate, testedRate } from '../../src/training/find_learning_rate.ts';
import { train } from '../../src/training/train.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assertRefused } from '../helpers/refused.ts';

const folder = temporaryFolder();
let engine: Engine;
before(async () => {
  engine = await startEngine('wasm', { threads: 2 });
  await writeRawData(folder);
});
after(() => engine.dispose());

async function settingsOf(changes: Config): Promise<Settings> {
  const small = { data: join(folder, 'rawdata'), width: 16, height: 16, batchSize: 4, saveEveryMinutes: 0 };
  const inForce = await settingsInForce({ ...small, ...changes }, { folder, environment: {} });
  return Object.fromEntries(settingNames.map((name) => [name, inForce[name].value])) as unknown as Settings;
}

const everything: Config = {
  architecture: 'residual',
  epochs: 4,
  augment: 'online',
  learningRateSchedule: 'cosine',
  warmup: 0.5,
  weightDecay: 0.05,
  clipNorm: 1,
  dropout: 0.2,
  labelSmoothing: 0.1,
  classWeights: 'balanced',
  ema: 0.9,
  earlyStopping: 3,
};

test('a training with every option on, stopped anywhere and resumed, ends with the same bits', async () => {
  const settings = await settingsOf(everything);
  const [whole, broken] = [join(folder, 'whole'), join(folder, 'broken')];
  await train({ settings, run: whole });
  for (const stopAt of [3, 7, Number.POSITIVE_INFINITY]) {
    const controller = new AbortController();
    const step = ({ step }: { step: number }) => {
      if (step === stopAt) controller.abort();
    };
    const resume = (await listCheckpoints(broken)).at(-1);
    await train({ settings, run: broken, resume, signal: controller.signal, events: { step } });
  }
  const [a, b] = [await findCheckpoint(whole, 'newest'), await findCheckpoint(broken, 'newest')];
  assert.deepEqual(b.manifest.files, a.manifest.files);
  assert.deepEqual(b.manifest.best, a.manifest.best);
  assert.equal(a.manifest.ema, 0.9);
});

test('a checkpoint’s weights are the averages, and the trained weights are with the optimizer', async () => {
  const checkpoint = await findCheckpoint(join(folder, 'whole'), 'newest');
  const [weights, optimizer] = [
    await loadTensors(checkpoint, 'weights.bin'),
    await loadTensors(checkpoint, 'optimizer.bin'),
  ];
  for (const [name, values] of weights) {
    const learnt = optimizer.get(`${name}/learnt`);
    assert.equal(learnt?.length, values.length);
    assert.notDeepEqual(learnt, values, name);
  }
  assert.ok(weights.has('norm1/mean'));
  // The validation was of the averages: evaluating them again gives what the manifest says.
  const model = await loadPredictor(checkpoint.folder);
  assert.equal(
    model.layers.find(({ kind }) => kind === 'dropout'),
    undefined,
  );
  model.dispose();
});

test('continuing without averages starts from the trained weights', async () => {
  const settings = await settingsOf({ ...everything, ema: 0, epochs: 5, earlyStopping: 0 });
  const run = join(folder, 'broken');
  await train({ settings, run, resume: await findCheckpoint(run, 'newest') });
  const { manifest } = await findCheckpoint(run, 'newest');
  assert.equal(manifest.ema, undefined);
  assert.ok(!manifest.files['optimizer.bin'].tensors.some(({ name }) => name.endsWith('/learnt')));
});

test('early stopping ends after this many epochs without improvement, and the best checkpoint is used', async () => {
  const patience = 2;
  const settings = await settingsOf({ epochs: 40, earlyStopping: patience, keepCheckpoints: 1 });
  const run = join(folder, 'early');
  const { best, position, finished } = await train({ settings, run });
  assert.ok(finished && best);
  assert.ok(position.epoch < 40, 'it was not stopped early');
  assert.equal(position.epoch, best.epoch + patience);
  const accuracies = (await readHistory(run)).map(({ validationAccuracy }) => validationAccuracy ?? 0);
  assert.equal(best.metrics.validationAccuracy, Math.max(...accuracies));
  assert.equal((await findCheckpoint(run)).manifest.position.epoch, best.epoch);
  // Resumed, it is still at its end; with more patience it continues.
  const resume = await findCheckpoint(run, 'newest');
  assert.equal((await train({ settings, run, resume })).position.epoch, position.epoch);
  const patient = { ...settings, earlyStopping: patience + 1 };
  assert.ok((await train({ settings: patient, run, resume })).position.epoch > position.epoch);
});

test('early stopping without a validation is refused', async () => {
  const settings = await settingsOf({ earlyStopping: 1, validationSplit: 0 });
  await assertRefused(
    train({ settings, run: join(folder, 'none') }),
    /--early-stopping needs validation pictures, and none are held back; raise --validation-split/,
  );
});

test('the range test suggests a rate below where the loss starts to rise, and saves nothing', async () => {
  const settings = await settingsOf({ checkpoints: join(folder, 'no-checkpoints') });
  const search = await findLearningRate({ settings, steps: 200 });
  const { suggestion, lowest, steps: curve } = search;
  assert.equal(curve[0]?.learningRate, 1e-6);
  assert.ok(Math.abs(testedRate(200, 200) - 1) < 1e-12);
  assert.ok(lowest.smoothedLoss < (curve[20]?.smoothedLoss ?? 0));
  assert.ok(lowest.smoothedLoss < 0.9 * (curve.at(-1)?.smoothedLoss ?? 0), 'the loss does not rise');
  assert.equal(suggestion, lowest.learningRate / 10);
  assert.deepEqual(await findLearningRate({ settings, steps: 200 }), search);
  assert.ok(!existsSync(settings.checkpoints));
});

/** Each class is one thing drawn by four designers. The evaluation set: the same drawings, mirrored and smaller. */
async function drawClasses(place: string, count: number) {
  const names = drawingsIn('noto', 'Animals & Nature').filter((name) =>
    designers.every((designer) => drawingsIn(designer, 'Animals & Nature').includes(name)),
  );
  const classes = names.sort().slice(0, count);
  const size = { width: 24, height: 24, channels: 3, fit: 'fill' } as const;
  const exam: { label: number; pixels: Uint8Array }[] = [];
  for (const [label, name] of classes.entries()) {
    mkdirSync(join(place, name), { recursive: true });
    for (const designer of designers) {
      const svg = openDrawings(designer)(name).replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"');
      const drawing = sharp(Buffer.from(svg)).resize(24, 24).flatten({ background: 'white' }).png();
      await drawing.clone().toFile(join(place, name, `${designer}.png`));
      const border = { top: 2, bottom: 2, left: 2, right: 2, background: 'white' };
      const other = await drawing.flop().extend(border).toBuffer();
      exam.push({ label, pixels: await decodePicture(other, size) });
    }
  }
  return { classes, exam };
}

// What guessing gets right is 4 on average; more than the third number less than once in two thousand times.
for (const [count, epochs, moreThan] of [
  [10, 15, 11],
  [100, 4, 12],
] as const) {
  test(`with ${count} classes, a network that grows with them is better than chance`, async () => {
    const data = join(folder, `data-${count}`);
    const { classes, exam } = await drawClasses(data, count);
    const settings = await settingsOf({
      data,
      epochs,
      architecture: 'auto',
      width: 24,
      height: 24,
      validationSplit: 0,
      batchSize: 8,
      learningRateSchedule: 'cosine',
    });
    const run = join(folder, `run-${count}`);
    await train({ settings, run });
    const model = await loadPredictor(run);
    assert.deepEqual(model.description.classes, classes);
    assert.equal(model.description.architecture, 'deep');
    const answers = await model.predict(
      exam.map(({ pixels }) => pixels),
      'none',
    );
    const right = exam.filter(({ label }, index) => {
      const logits = answers[index] as Float32Array;
      return logits.indexOf(Math.max(...logits)) === label;
    });
    model.dispose();
    assert.ok(right.length > moreThan, `${right.length} of ${exam.length}`);
  });
}
