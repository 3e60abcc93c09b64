import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { runningEngine, startEngine } from '../../src/engine/index.ts';
import { UserError } from '../../src/errors.ts';
import { UnreadablePicture } from '../../src/images/decode.ts';
import { type Answer, loadModel } from '../../src/predict/load_model.ts';
import { loadPredictor } from '../../src/predict/load_predictor.ts';
import { saveNetwork } from '../helpers/checkpoint.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { articleDescription } from '../helpers/network.ts';
import { assertRefused } from '../helpers/refused.ts';

const folder = temporaryFolder();
const heroes = join(folder, 'heroes');
const letters = join(folder, 'letters');
const file = join(folder, 'bat.jpg');

before(async () => {
  await saveNetwork(heroes, { ...articleDescription, classes: ['bat', 'unknown'] });
  await saveNetwork(letters, {
    ...articleDescription,
    width: 16,
    height: 12,
    channels: 1,
    classes: ['a', 'b', 'c', 'd'],
  });
  await emoji('bat').jpeg().toFile(file);
});

test('a path, a Buffer and a Uint8Array get the same answer, which is the network’s', async () => {
  const model = await loadModel(heroes, { engine: 'wasm' });
  const bytes = readFileSync(file);
  const answer = await model.predict(file);
  assert.deepEqual(await model.predict(bytes), answer);
  assert.deepEqual(await model.predict(new Uint8Array(bytes)), answer);
  const network = await loadPredictor(heroes);
  const [values] = await network.predict([await network.decode(file)]);
  network.dispose();
  const byClass = new Map(answer.ranked.map((one) => [one.class, one.probability]));
  for (const [index, name] of model.classes.entries())
    assert.ok(Math.abs((byClass.get(name) as number) - (values?.[index] as number)) < 1e-6);
  assert.equal(answer.class, answer.ranked[0]?.class);
  assert.equal(answer.probability, Math.max(...byClass.values()));
  await model.dispose();
});

test('two networks at the same time answer like each alone, and leave no tensors behind', async () => {
  const alone: Answer[] = [];
  for (const place of [heroes, letters]) {
    const model = await loadModel(place, { engine: 'wasm' });
    alone.push(await model.predict(file));
    await model.dispose();
  }
  const before = tf.memory().numTensors;
  const [one, other] = await Promise.all([loadModel(heroes), loadModel(letters, { engine: 'auto' })]);
  assert.equal(one.engine, other.engine);
  const asked = Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? one : other).predict(file));
  for (const [index, answer] of (await Promise.all(asked)).entries()) {
    const expected = alone[index % 2] as Answer;
    assert.equal(answer.class, expected.class);
    assert.ok(Math.abs(answer.probability - expected.probability) < 1e-5);
  }
  await one.dispose();
  await one.dispose();
  assert.equal((await other.predict(file)).class, alone[1]?.class);
  await other.dispose();
  assert.equal(tf.memory().numTensors, before);
  assert.equal(runningEngine(), undefined);
});

test('another engine is refused while one runs, and accepted once it has ended', async () => {
  const model = await loadModel(heroes, { engine: 'wasm' });
  await assertRefused(loadModel(letters, { engine: 'cpu' }), /computes with the engine wasm already/);
  const answer = await model.predict(file);
  await model.dispose();
  const plain = await loadModel(heroes, { engine: 'cpu' });
  assert.equal(plain.engine, 'cpu');
  assert.ok(Math.abs((await plain.predict(file)).probability - answer.probability) < 1e-5);
  await plain.dispose();
});

test('an engine that is ending is not used for a new model', async () => {
  const model = await loadModel(heroes, { engine: 'cpu' });
  const ending = model.dispose();
  const next = await loadModel(heroes, { engine: 'wasm' });
  await ending;
  assert.equal(next.engine, 'wasm');
  assert.equal(runningEngine()?.name, 'wasm');
  await next.dispose();
});

test('an engine started elsewhere is used and not ended', async () => {
  const engine = await startEngine('cpu', { threads: 1 });
  const model = await loadModel(heroes);
  assert.equal(model.engine, 'cpu');
  await model.dispose();
  assert.equal(runningEngine(), engine);
  await engine.dispose();
  assert.equal(runningEngine(), undefined);
});

test('an iterable’s pictures are answered in order, with errors in their place', async () => {
  const model = await loadModel(heroes, { engine: 'wasm' });
  const damaged = join(folder, 'damaged.jpg');
  writeFileSync(damaged, readFileSync(file).subarray(0, 300));
  const pictures = Array.from({ length: 150 }, (_, index) => (index % 50 === 7 ? damaged : file));
  const answers: (Answer | UnreadablePicture)[] = [];
  for await (const answer of model.predictAll(pictures)) answers.push(answer);
  assert.equal(answers.length, pictures.length);
  for (const [index, answer] of answers.entries())
    assert.equal(answer instanceof UnreadablePicture, index % 50 === 7, String(index));
  await model.dispose();
});

test('below the threshold the class is unknown, which a network may also have as its own', async () => {
  const model = await loadModel(heroes, { engine: 'wasm' });
  const sure = await model.predict(file, { threshold: 0 });
  const { probability } = sure;
  assert.equal((await model.predict(file, { threshold: probability })).class, sure.class);
  const unsure = await model.predict(file, { threshold: probability + 1e-6 });
  assert.equal(unsure.class, 'unknown');
  assert.deepEqual(unsure.ranked, sure.ranked);
  await model.dispose();
});

test('unreadable pictures and models are errors of their own kind, and the engine is released', async () => {
  const model = await loadModel(heroes, { engine: 'wasm' });
  for (const [picture, why] of [
    [join(folder, 'missing.jpg'), /^there is no such file$/],
    [folder, /^a folder$/],
    [Buffer.alloc(0), /^the file is empty$/],
    [new TextEncoder().encode('<!doctype html><p>'), /^HTML, not a picture$/],
  ] as const)
    await assert.rejects(model.predict(picture), (error: Error) => {
      assert.ok(error instanceof UnreadablePicture);
      assert.match(error.message, why);
      return true;
    });
  await model.dispose();
  await assert.rejects(loadModel(join(folder, 'nowhere'), { engine: 'wasm' }), UserError);
  assert.equal(runningEngine(), undefined);
});
