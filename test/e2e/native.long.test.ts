/** The real command on the native engine. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { cliWith, finishAfter, startCli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { withoutNative } from '../helpers/native.ts';
import { newestCheckpoint } from '../helpers/runs.ts';

const folder = temporaryFolder();
const runOf = (name: string) => join(folder, 'checkpoints', name);
const native = { BATSUP_ENGINE: 'native' };
const small = ['--width', '24', '--height', '24', '--batch-size', '8', '--seed', '3'];

describe('the native engine', { skip: withoutNative() }, () => {
  before(() => writeRawData(folder));

  test('trains and predicts without messages of TensorFlow’s own on stderr', async () => {
    const trained = await cliWith(
      native,
      folder,
      'train',
      '--run',
      'whole',
      '--epochs',
      '3',
      '--json',
      ...small,
    );
    assert.equal(trained.code, 0, trained.stderr);
    assert.match(trained.stderr, /^Engine: TensorFlow \d+\.\d+\.\d+ on (the CPU|CUDA)$/m);
    assert.doesNotMatch(trained.stderr, /oneDNN|absl|WARNING|INT64/);
    const predicted = await cliWith(native, folder, 'predict', 'rawdata', '--json');
    assert.equal(predicted.code, 0, predicted.stderr);
    assert.match(predicted.stderr, /^Checkpoint: [^\n]*\n$/);
    const embedded = await cliWith({ BATSUP_ENGINE: 'wasm' }, folder, 'predict', 'rawdata', '--json');
    const answers = (stdout: string) =>
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    for (const [index, answer] of answers(embedded.stdout).entries()) {
      const other = answers(predicted.stdout)[index];
      assert.equal(other.file, answer.file);
      assert.ok(Math.abs(other.probability - answer.probability) < 1e-3);
    }
  });

  test('is what auto selects', async () => {
    const run = await cliWith({ BATSUP_ENGINE: 'auto' }, folder, 'doctor', '--json');
    assert.match(JSON.parse(run.stdout).engine, /^(native|cuda)$/);
  });

  test('a stopped training continues to the same weights', async () => {
    const child = startCli(folder, ['train', '--run', 'broken', '--epochs', '3', ...small], native);
    const broken = await finishAfter(child, 'epoch 1/3');
    assert.equal(broken.code, 0, broken.stderr);
    const resumed = await cliWith(
      native,
      folder,
      'train',
      '--run',
      'broken',
      '--resume',
      '--epochs',
      '3',
      ...small,
    );
    assert.equal(resumed.code, 0, resumed.stderr);
    for (const file of ['weights.bin', 'optimizer.bin']) {
      const whole = readFileSync(join(newestCheckpoint(runOf('whole')), file));
      assert.ok(whole.equals(readFileSync(join(newestCheckpoint(runOf('broken')), file))), `${file} differs`);
    }
  });

  test('--engine cuda fails in one line without a GPU', async (context) => {
    const { stdout } = await cliWith(native, folder, 'doctor', '--json');
    if (JSON.parse(stdout).engines.find(({ name }: { name: string }) => name === 'cuda').description) {
      context.skip('a GPU is here');
      return;
    }
    const run = await cliWith({}, folder, 'train', '--engine', 'cuda', ...small);
    assert.equal(run.code, 1);
    assert.match(run.stderr.trim(), /^bat-sup: TensorFlow .*(--cuda|nvidia-smi).*--engine native/);
  });

  test('--precision bf16 trains, or says that this processor does not support it', async () => {
    const run = await cliWith(native, folder, 'train', '--precision', 'bf16', '--epochs', '1', ...small);
    if (run.code === 0) assert.match(run.stderr, /^Engine: TensorFlow .*bfloat16$/m);
    else assert.match(run.stderr.trim(), /^bat-sup: --precision bf16 makes nothing faster .*leave it out\.$/);
  });
});
