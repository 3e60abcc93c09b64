import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { cli, finishAfter, startCli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';
import { manifestOf, newestCheckpoint } from '../helpers/runs.ts';

const folder = temporaryFolder();
const size = ['--width', '24', '--height', '24'];
const recipe = [
  '--recipe',
  'best',
  '--architecture',
  'residual',
  '--batch-size',
  '4',
  '--seed',
  '3',
  ...size,
];
const readEvents = new URL('../tensorboard/read_events.py', import.meta.url);

before(() => writeRawData(folder));

function newestOf(run: string) {
  return manifestOf(newestCheckpoint(join(folder, 'checkpoints', run)));
}

test('--recipe best, stopped with SIGINT and resumed, ends like an uninterrupted training', async () => {
  const options = ['--epochs', '4', '--augment', 'online', '--dropout', '0.2', '--json', ...recipe];
  const unbroken = await cli(folder, 'train', '--run', 'unbroken', ...options);
  assert.equal(unbroken.code, 0, unbroken.stderr);
  const child = startCli(folder, ['train', '--run', 'broken', ...options]);
  const broken = await finishAfter(child, 'epoch 1/4');
  assert.equal(JSON.parse(broken.stdout).finished, false);
  const resumed = await cli(folder, 'train', '--run', 'broken', '--resume', ...options);
  assert.equal(resumed.code, 0, resumed.stderr);
  const [a, b] = [newestOf('unbroken'), newestOf('broken')];
  assert.deepEqual(b.files, a.files);
  assert.deepEqual(JSON.parse(resumed.stdout).best, JSON.parse(unbroken.stdout).best);
});

test('the log has the schedule’s learning rates, and the graph each layer’s inputs', {
  skip: withoutPackage('tensorboard'),
}, () => {
  const { train } = runPython(readEvents, join(folder, 'checkpoints', 'unbroken'));
  const rates: number[] = train.scalars.learning_rate.map(([, value]: [number, number]) => value);
  const highest = Math.max(...rates);
  const peak = rates.indexOf(highest);
  assert.ok(peak > 0 && (rates[0] as number) < highest, 'it does not warm up');
  // The warm-up ends at the rate that the cosine begins with.
  const falling = rates.slice(peak + 2);
  assert.ok(
    falling.every((rate, index) => rate < (rates[peak + index + 1] as number)),
    'it does not fall',
  );
  assert.deepEqual(train.nodes['add1/add'].inputs, ['norm3/FusedBatchNorm', 'relu1/Relu']);
  assert.deepEqual(train.nodes['conv1/Conv2D'].inputs, ['pictures', 'conv1/weights']);
  assert.ok(!('conv1/add' in train.nodes));
});

test('predict, evaluate and explain take a residual network', async () => {
  const checkpoint = ['--checkpoint', join('checkpoints', 'unbroken')];
  const picture = join('rawdata', 'animal', 'bat.png');
  const predicted = await cli(folder, 'predict', picture, '--json', ...checkpoint);
  assert.match(JSON.parse(predicted.stdout).class, /^(animal|food)$/, predicted.stderr);
  const explained = await cli(folder, 'explain', picture, '--output', 'explained', ...checkpoint);
  assert.equal(explained.code, 0, explained.stderr);
  assert.ok(readdirSync(join(folder, 'explained')).length > 0);
  const evaluated = await cli(folder, 'evaluate', '--json', ...checkpoint);
  assert.equal(evaluated.code, 0, evaluated.stderr);
});

test('lr-find suggests a learning rate and saves nothing', async () => {
  const before = readdirSync(join(folder, 'checkpoints'));
  const text = await cli(folder, 'lr-find', '--steps', '40', '--batch-size', '4', ...size);
  assert.equal(text.code, 0, text.stderr);
  assert.match(
    text.stdout,
    /[▁-█]{20,40}\n0.000001 .*\nLowest loss: .*\nSuggested.*: bat-sup train --width 24 --height 24 --batch-size 4 .*--learning-rate [\d.e-]+\n$/,
  );
  const json = await cli(folder, 'lr-find', '--steps', '40', '--batch-size', '4', '--json', ...size);
  const { suggestion, steps } = JSON.parse(json.stdout);
  assert.ok(text.stdout.includes(`--learning-rate ${Number(suggestion.toPrecision(2))}\n`));
  assert.ok(steps.length <= 40);
  assert.deepEqual(readdirSync(join(folder, 'checkpoints')), before);
  const wrong = await cli(folder, 'lr-find', '--steps', '3');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--steps must be a whole number from 10 to 10000; received "3"/);
});

test('a training that stops early says so, and which epoch is used', async () => {
  const options = ['--epochs', '40', '--early-stopping', '1', '--run', 'early', '--batch-size', '4', ...size];
  const { code, stdout, stderr } = await cli(folder, 'train', ...options);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Trained \d+ of 40 epochs/);
  assert.match(stdout, /Stopped early, 1 epoch after the best\.\nBest epoch, which predict uses: \d+\nloss/);
});
