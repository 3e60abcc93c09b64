/** The programs in examples/, as a project of one's own would have them: from the package, each in a process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { saveNetwork } from '../helpers/checkpoint.ts';
import { finish } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = temporaryFolder();

before(async () => {
  cpSync(join(root, 'examples'), folder, { recursive: true });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'bat-sup'));
  await writeRawData(folder);
  await emoji('bat').toFile(join(folder, 'bat.png'));
  writeFileSync(join(folder, 'page.jpg'), '<!doctype html>');
});

function node(args: string[], environment: Record<string, string> = {}) {
  const env = { ...process.env, BATSUP_ENGINE: 'wasm', ...environment };
  return finish(spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }));
}

test('predict.mjs prints a line per picture, and continues after an unreadable one', async () => {
  const classes = ['animal', 'food'];
  const description = { architecture: 'article', width: 16, height: 16, channels: 3, classes } as const;
  await saveNetwork(join(folder, 'trained', 'run-001'), { ...description, classes });
  const { code, stdout, stderr } = await node([
    'predict/predict.mjs',
    'trained',
    'bat.png',
    'page.jpg',
    'bat.png',
  ]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^bat\.png: (animal|food) \(\d+\.\d %\)\nbat\.png: (animal|food) \(\d+\.\d %\)\n$/);
  assert.equal(stderr, 'page.jpg: HTML, not a picture\n');
});

test('train.mjs trains and evaluates a network that predict.mjs can use', async () => {
  const small = { BATSUP_WIDTH: '16', BATSUP_HEIGHT: '16', BATSUP_BATCH_SIZE: '4' };
  const { code, stdout, stderr } = await node(['train/train.mjs', '--epochs', '2', '--run', 'first'], small);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^animal, food: 24 pictures resized\nepoch 1: loss /);
  assert.match(stdout, /\nepoch 2: .*\n\d+ steps\ncheckpoints\/first\/checkpoint-\d+: accuracy [\d.]+\n$/);
  const answered = await node(['predict/predict.mjs', 'checkpoints', 'bat.png']);
  assert.equal(answered.code, 0, answered.stderr);
});
