import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import seedrandom from 'seedrandom';
import sharp from 'sharp';
import { saveCalibration } from '../../src/checkpoints/calibration.ts';
import type { Manifest } from '../../src/checkpoints/index.ts';
import { softmax } from '../../src/evaluation/softmax.ts';
import { cli, finishAfter, startCli } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { withoutPackage } from '../helpers/python.ts';
import { manifestOf } from '../helpers/runs.ts';
import { askScikitLearn } from '../helpers/scikit_learn.ts';

const folder = temporaryFolder();
const small = ['--width', '24', '--height', '24', '--batch-size', '8', '--validation-split', '0.4'];
let checkpoint: string;
let manifest: Manifest;

before(async () => {
  await writeRawData(folder);
  const first = await cli(folder, 'train', '--epochs', '4', ...small);
  assert.equal(first.code, 0, first.stderr);
  const { stdout } = await cli(folder, 'evaluate', '--json');
  checkpoint = join(folder, JSON.parse(stdout).checkpoint);
  manifest = manifestOf(checkpoint);
});

async function jsonOf(...args: string[]) {
  const { code, stdout, stderr } = await cli(folder, ...args, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test('the held-back pictures get the same predictions as in training', async () => {
  const evaluation = await jsonOf('evaluate', '--no-calibrate');
  assert.equal(evaluation.accuracy, manifest.metrics.validationAccuracy);
  assert.ok(Math.abs(evaluation.calibrated.loss - (manifest.metrics.validationLoss ?? 0)) < 1e-4);
  assert.equal(evaluation.pictures, 10);
  assert.equal(evaluation.temperatureStored, false);
  assert.ok(!existsSync(join(checkpoint, 'calibration.json')));
});

test('with too few pictures no temperature is fitted, with a notice', async () => {
  const { code, stdout, stderr } = await cli(folder, 'evaluate', '--calibrate', '--json');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /not calibrated: only 10 pictures are held back; it takes 100\./);
  assert.equal(JSON.parse(stdout).temperatureStored, false);
  assert.ok(!existsSync(join(checkpoint, 'calibration.json')));
  const both = await cli(folder, 'evaluate', 'rawdata', '--calibrate');
  assert.equal(both.code, 2);
  assert.match(both.stderr, /--calibrate uses the pictures held back/);
});

/** Pictures of noise, in two shades that are hard to tell apart. */
async function writeNoise(folder: string, count: number): Promise<void> {
  const random = seedrandom('noise');
  for (const [name, shade] of [
    ['dark', 0],
    ['light', 12],
  ] as const) {
    mkdirSync(join(folder, 'rawdata', name), { recursive: true });
    for (let index = 0; index < count; index++) {
      const pixels = Buffer.from(Array.from({ length: 24 * 24 * 3 }, () => shade + 200 * random()));
      const picture = sharp(pixels, { raw: { width: 24, height: 24, channels: 3 } }).png();
      await picture.toFile(join(folder, 'rawdata', name, `${index}.png`));
    }
  }
}

test('evaluate --calibrate stores a temperature, and evaluate alone does not', async () => {
  const large = temporaryFolder();
  await writeNoise(large, 160);
  const trained = await cli(large, 'train', '--epochs', '2', ...small);
  assert.equal(trained.code, 0, trained.stderr);
  const json = async (...args: string[]) => JSON.parse((await cli(large, ...args, '--json')).stdout);
  const plain = await json('evaluate');
  assert.equal(plain.temperatureStored, false);
  assert.ok(plain.pictures >= 100);
  const calibrated = await json('evaluate', '--calibrate');
  assert.equal(calibrated.temperatureStored, true);
  assert.ok(calibrated.calibrated.loss <= plain.calibrated.loss);
  const stored = JSON.parse(readFileSync(join(large, plain.checkpoint, 'calibration.json'), 'utf8'));
  assert.equal(stored.temperature, calibrated.calibrated.temperature);
  assert.equal(stored.pictures, plain.pictures);
});

test('predict divides its logits by the stored temperature', async () => {
  const file = 'rawdata/animal/bat.png';
  const temperature = 2.5;
  await saveCalibration(checkpoint, { temperature, pictures: 100 });
  const logits = await jsonOf('predict', file, '--top-k', '2', '--activation', 'none');
  const answer = await jsonOf('predict', file, '--top-k', '2');
  const expected = softmax(
    logits.top.map(({ logit }: { logit: number }) => logit),
    temperature,
  );
  for (const [index, { probability }] of answer.top.entries())
    assert.ok(Math.abs(probability - (expected[index] as number)) < 1e-5);
  // What is stored is in force from here on, also in evaluate.
  const again = await jsonOf('evaluate');
  assert.equal(again.calibrated.temperature, temperature);
});

test('a damaged calibration is reported, by predict as well', async () => {
  const file = join(checkpoint, 'calibration.json');
  const whole = readFileSync(file);
  writeFileSync(file, whole.subarray(0, 20));
  const { code, stderr } = await cli(folder, 'predict', 'rawdata/animal/bat.png');
  assert.equal(code, 1);
  assert.match(stderr, /calibration\.json is damaged; delete it/);
  rmSync(file);
});

test('scikit-learn computes the same metrics from the CSV', { skip: withoutPackage('sklearn') }, async () => {
  const { code, stdout, stderr } = await cli(folder, 'evaluate', 'rawdata', '--csv');
  assert.equal(code, 0, stderr);
  const [head, ...lines] = stdout.trim().split('\n');
  assert.equal(head, 'file,class,predicted,probability,loss,animal,food');
  assert.equal(lines.length, 24);
  const rows = lines.map((line) => line.split(','));
  const labels = rows.map(([, name]) => ['animal', 'food'].indexOf(name as string));
  // The logarithms of probabilities are logits.
  const logits = rows.map((row) => row.slice(5).map((value) => Math.log(Number(value))));
  const theirs = askScikitLearn({ labels, logits, temperature: 1 });
  const ours = await jsonOf('evaluate', 'rawdata');
  assert.deepEqual(ours.confusion, theirs.confusion);
  for (const [actual, expected] of [
    [ours.accuracy, theirs.accuracy],
    [ours.macro.f1, theirs.report['macro avg']['f1-score']],
    [ours.macro.rocAuc, theirs.macroRocAuc],
    [ours.macro.prAuc, theirs.macroPrAuc],
    [ours.calibrated.loss, theirs.loss],
  ])
    assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} instead of ${expected}`);
});

test('the table names every class and the pictures with the highest losses', async () => {
  const { stdout } = await cli(folder, 'evaluate', '--top-losses', '2');
  assert.match(stdout, /^Held back for validation: 10 pictures\ncheckpoint .*checkpoint-\d+\n/);
  assert.match(stdout, /accuracy +[01]\.\d{4} {2}\d+ of 10, 95 % interval 0\.\d{4} to [01]\.\d{4}\n/);
  assert.match(stdout, /\nanimal( +[01]\.\d{4}){3} +[456]( +[01]\.\d{4}){2}\n/);
  assert.match(
    stdout,
    /are these labelled correctly\?\n.*file\n.* rawdata\/.*\.png\n.* rawdata\/[^\n]*\.png\n$/,
  );
});

test('unknown classes, missing classes and unreadable pictures are reported', async () => {
  const exam = join(temporaryFolder(), 'exam');
  for (const name of ['animal', 'cats']) mkdirSync(join(exam, name), { recursive: true });
  await emoji('fox', 200)
    .webp()
    .toFile(join(exam, 'animal', 'fox.webp'));
  await emoji('cat').toFile(join(exam, 'cats', 'cat.png'));
  writeFileSync(join(exam, 'animal', 'bad.png'), 'no picture');
  const { code, stdout, stderr } = await cli(folder, 'evaluate', exam, '--json');
  assert.equal(code, 1);
  assert.match(stderr, /skipped .*cats: the network has no class "cats"; it has animal, food\n/);
  assert.match(stderr, /holds no pictures of food; the metrics leave them out\n/);
  assert.match(stderr, /bad\.png: text, not a picture\n/);
  assert.match(
    stderr,
    /1 picture could not be read, and 1 folder is not a class of the network; .* other 1 picture\.\n$/,
  );
  const evaluation = JSON.parse(stdout);
  assert.deepEqual([evaluation.unknownClasses, evaluation.missingClasses], [['cats'], ['food']]);
  assert.equal(evaluation.pictures, 1);
  assert.equal(evaluation.macro.rocAuc, null);
});

test('a folder without readable pictures is an error', async () => {
  const exam = join(temporaryFolder(), 'exam');
  mkdirSync(join(exam, 'food'), { recursive: true });
  writeFileSync(join(exam, 'food', 'bad.png'), 'no picture');
  const { code, stdout, stderr } = await cli(folder, 'evaluate', exam);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /None of the pictures can be read. The first is .*bad\.png: text, not a picture/);
});

test('runs lists trainings, how they ended and how they differ; a resumed one keeps every epoch', async () => {
  const args = ['train', '--run', 'broken', '--epochs', '30', '--learning-rate', '0.002', ...small];
  const child = startCli(folder, args);
  await finishAfter(child, 'epoch 2/30');
  const stopped = (await jsonOf('runs')).runs[1];
  assert.equal(stopped.state, 'stopped');
  assert.ok(stopped.epochs >= 2 && stopped.epochs < 30);

  const epochs = String(stopped.epochs + 2);
  const resumed = await cli(
    folder,
    'train',
    '--resume',
    ...args.slice(1, 3),
    ...args.slice(5),
    '--epochs',
    epochs,
  );
  assert.equal(resumed.code, 0, resumed.stderr);
  const { runs, differingSettings } = await jsonOf('runs');
  assert.deepEqual(
    runs.map(({ name, state }: { name: string; state: string }) => [name, state]),
    [
      ['run-001', 'finished'],
      ['broken', 'finished'],
    ],
  );
  assert.deepEqual(differingSettings.learningRate, [0.001, 0.002]);
  assert.equal(differingSettings.width, undefined);
  assert.equal(runs[0].best.validationAccuracy, manifest.metrics.validationAccuracy);
  const history = readFileSync(join(folder, 'checkpoints', 'broken', 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n');
  assert.deepEqual(
    history.map((line) => JSON.parse(line).epoch),
    Array.from({ length: Number(epochs) }, (_, index) => index + 1),
  );
  const { stdout } = await cli(folder, 'runs', 'broken');
  assert.match(stdout, new RegExp(`broken +finished +20\\d\\d-.* ${epochs}/${epochs} `));
  assert.doesNotMatch(stdout, /run-001|differ/);
});

test('a training that fails says so in its record', async () => {
  const elsewhere = temporaryFolder();
  await writeRawData(elsewhere);
  const args = ['--epochs', '2', '--learning-rate', '1', '--run', 'wild', ...small];
  const { code } = await cli(elsewhere, 'train', ...args);
  const run = join(elsewhere, 'checkpoints', 'wild');
  assert.ok(readdirSync(run).includes('run.json'));
  const [session] = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8')).sessions;
  assert.equal(session.state, code === 0 ? 'finished' : 'failed');
  assert.match(session.command, /^bat-sup train --epochs 2 --learning-rate 1 --run wild --width 24/);
  assert.equal(session.engine.name, 'wasm');
  for (const [index, name] of ['animal', 'food'].entries()) {
    const { class: found, train, validation } = session.dataset[index];
    assert.deepEqual([found, train + validation], [name, 12]);
    assert.ok(validation >= 4 && validation <= 6);
  }
});
