/** Training that starts from a trained network: its classes, what is frozen, and what it was validated on. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { findCheckpoint, loadTensors } from '../../src/checkpoints/index.ts';
import { defaults, type Settings } from '../../src/config/index.ts';
import { type Engine, startEngine } from '../../src/engine/index.ts';
import { loadPredictor } from '../../src/predict/load_predictor.ts';
import { readHeldBack } from '../../src/runs/held_back.ts';
import { train } from '../../src/training/train.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { outcome } from '../helpers/runs.ts';

const side = 16;
const folder = temporaryFolder();
const settings: Settings = {
  ...defaults,
  rawData: join(folder, 'none'),
  data: join(folder, 'two'),
  checkpoints: folder,
  ...{ width: side, height: side, architecture: 'deep', batchSize: 4, epochs: 2, seed: 5 },
};
const colours = { blue: '#1020ff', green: '#10e020', red: '#ff2010' };
let engine: Engine;
const cacheBefore = process.env.XDG_CACHE_HOME;

async function draw(data: string, name: keyof typeof colours, index: number): Promise<void> {
  mkdirSync(join(folder, data, name), { recursive: true });
  const [size, at] = [4 + (index % 5), 1 + ((index * 3) % 7)];
  const background = { r: 40 * (index % 6), g: 200 - 30 * (index % 7), b: 9 * index };
  const square = sharp({
    create: { width: size, height: size, channels: 3, background: colours[name] },
  }).png();
  await sharp({ create: { width: side, height: side, channels: 3, background } })
    .composite([{ input: await square.toBuffer(), left: at, top: at }])
    .png()
    .toFile(join(folder, data, name, `${index}.png`));
}

const runOf = (name: string) => join(folder, name);

/** Trains a run from run "start". */
async function from(name: string, own: Partial<Settings>, signal?: AbortSignal) {
  const options = { ...settings, from: 'start', learningRate: 0.003, ...own };
  return train({ settings: options, run: runOf(name), engine, ...(signal && { signal }) });
}

const weightsOf = async (name: string) =>
  loadTensors(await findCheckpoint(runOf(name), 'newest'), 'weights.bin');

before(async () => {
  process.env.XDG_CACHE_HOME = join(folder, 'cache');
  for (let index = 0; index < 15; index++)
    for (const name of ['blue', 'green', 'red'] as const) {
      await draw('three', name, index);
      if (name !== 'green') await draw('two', name, index);
    }
  engine = await startEngine('wasm', { threads: 1 });
  await train({ settings, run: runOf('start'), engine });
});
after(async () => {
  process.env.XDG_CACHE_HOME = cacheBefore;
  await engine.dispose();
});

/** The answers to some pictures without softmax: [picture][class], up to a constant. */
async function logitsOf(name: string): Promise<number[][]> {
  const predictor = await loadPredictor(runOf(name));
  const answers: number[][] = [];
  for (const index of [1, 4, 9]) {
    const picture = await predictor.decode(join(folder, 'three', 'green', `${index}.png`));
    const [answer] = await predictor.predict([picture]);
    answers.push([...(answer as Float32Array)].map(Math.log));
  }
  predictor.dispose();
  return answers;
}

test('a class more is fitted beside the known ones, between which all answers stay', async () => {
  const { finished, position } = await from('more', { data: join(folder, 'three') });
  assert.deepEqual([finished, position.step], [true, 0]);
  const [before, now] = [await weightsOf('start'), await weightsOf('more')];
  for (const [name, values] of before)
    if (!name.startsWith('logits/')) assert.deepEqual(now.get(name), values, name);
  const [two, three] = [before.get('logits/biases'), now.get('logits/biases')] as Float32Array[];
  assert.deepEqual([three?.[0], three?.[2]], [two?.[0], two?.[1]]);
  const [known, more] = [await logitsOf('start'), await logitsOf('more')];
  for (const [index, [blue = 0, red = 0]] of known.entries()) {
    const [blueNow = 0, green = 0, redNow = 0] = more[index] as number[];
    assert.ok(Math.abs(blueNow - redNow - (blue - red)) < 1e-4);
    assert.ok(green > blueNow && green > redNow, 'pictures of the new class are recognised');
  }
});

test('the same classes go on: the start is epoch 0, and what it was validated on stays held back', async () => {
  const lines: string[] = [];
  const options = { ...settings, from: 'start', fineTune: 999, seed: 77, validationSplit: 0.4 };
  const events = { notice: (line: string) => lines.push(line) };
  const { position } = await train({ settings: options, run: runOf('same'), engine, events });
  assert.equal(position.epoch, 2);
  assert.match(lines.join('\n'), /was validated are held back again/);
  const held = async (name: string) => (await readHeldBack(runOf(name)))?.pictures.map(({ file }) => file);
  assert.deepEqual(await held('same'), await held('start'));
  const [first] = outcome(runOf('same')).history;
  assert.equal(first.epoch, 0);
  const best = (await findCheckpoint(runOf('start'), 'best')).manifest.metrics;
  assert.ok(Math.abs(first.validationLoss - (best.validationLoss as number)) < 1e-5);
});

test('frozen layers keep every bit with their batch normalisation, and all others learn', async () => {
  await from('frozen', { data: join(folder, 'three'), freeze: ['conv1', 'conv2'] });
  const [before, now] = [await weightsOf('start'), await weightsOf('frozen')];
  const frozen = ['conv1', 'norm1', 'conv2', 'norm2'];
  for (const [name, values] of before) {
    const layer = name.slice(0, name.indexOf('/'));
    const isSame = values.every((value, index) => value === now.get(name)?.[index]);
    assert.equal(isSame, frozen.includes(layer), name);
  }
});

for (const own of [
  { name: 'freeze', freeze: ['conv1'], data: join(folder, 'three') },
  { name: 'fine-tune', fineTune: 2, data: join(folder, 'three') },
  { name: 'whole', fineTune: 999 },
])
  test(`with ${own.name}, a training that is stopped ends like one that is not`, async () => {
    const { name, ...changed } = own;
    await from(`${name}-whole`, changed);
    const stop = new AbortController();
    const options = { ...settings, from: 'start', learningRate: 0.003, ...changed };
    const run = runOf(`${name}-stopped`);
    let steps = 0;
    const events = {
      step() {
        if (++steps === 3) stop.abort();
      },
    };
    const { finished } = await train({ settings: options, run, engine, events, signal: stop.signal });
    assert.equal(finished, false);
    const resume = await findCheckpoint(run, 'newest');
    await train({ settings: options, run, engine, resume });
    assert.deepEqual(outcome(run), outcome(runOf(`${name}-whole`)));
  });

test('a checkpoint without the moments of what learns is not continued from zeros', async () => {
  const resume = await findCheckpoint(runOf('freeze-whole'), 'newest');
  const files = structuredClone(resume.manifest.files);
  files['optimizer.bin'].tensors = files['optimizer.bin'].tensors.filter(
    ({ name }) => !name.startsWith('conv2/'),
  );
  const changed = { ...resume, manifest: { ...resume.manifest, files } };
  const options = { ...settings, from: 'start', freeze: ['conv1'], data: join(folder, 'three'), epochs: 3 };
  await assert.rejects(
    train({ settings: options, run: runOf('freeze-whole'), engine, resume: changed }),
    /optimizer\.bin does not fit the network: conv2\/weights\/m is missing/,
  );
});

test('frozen layers of a run can learn later, from moments of zero', async () => {
  const resume = await findCheckpoint(runOf('freeze-stopped'), 'newest');
  const options = { ...settings, from: 'start', freeze: ['conv2'], data: join(folder, 'three'), epochs: 3 };
  const { finished } = await train({ settings: options, run: runOf('freeze-stopped'), engine, resume });
  assert.equal(finished, true);
});
