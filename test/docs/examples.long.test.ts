/** Every @example of the library's docstrings, as a program in a project of one's own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cli, finish } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { publicNames } from '../helpers/public_api.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const project = temporaryFolder();
const examples = publicNames().flatMap(({ name, examples }) =>
  examples.map((code, index) => ({ name: index === 0 ? name : `${name}-${index + 1}`, code })),
);

/** A project with raw pictures of two classes, data/, and a small run in checkpoints/run-001. */
before(async () => {
  await writeRawData(project);
  for (const [from, to] of [
    ['animal', 'bat'],
    ['food', 'sup'],
  ] as const)
    renameSync(join(project, 'rawdata', from), join(project, 'rawdata', to));
  await emoji('bat').toFile(join(project, 'bat.png'));
  await emoji('superhero').jpeg().toFile(join(project, 'sup.jpg'));
  mkdirSync(join(project, 'pictures'));
  writeFileSync(join(project, 'wrong.csv'), 'file,class\nbat/cow.png,sup\n');
  writeFileSync(join(project, 'labels.csv'), 'file,labels\nbat/cow.png,bat|sup\n');
  for (const name of ['bat.png', 'sup.jpg']) cpSync(join(project, name), join(project, 'pictures', name));
  const small = ['--width', '16', '--height', '16', '--epochs', '2', '--batch-size', '4'];
  const { code, stderr } = await cli(project, 'train', '--run', 'run-001', ...small);
  assert.equal(code, 0, stderr);
});

function nodeIn(folder: string, ...args: string[]) {
  // As small as the run above, where an example trains.
  const env = { ...process.env, BATSUP_ENGINE: 'wasm', BATSUP_WIDTH: '16', BATSUP_HEIGHT: '16' };
  return finish(spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** A copy of the project in which node finds bat-sup as after npm install. */
function copyProject(): string {
  const folder = temporaryFolder();
  cpSync(project, folder, { recursive: true });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'bat-sup'));
  for (const name of ['@tensorflow', '@types'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  return folder;
}

test('the examples fit the types of the package', async () => {
  const folder = copyProject();
  for (const { name, code } of examples) writeFileSync(join(folder, `${name}.mts`), code);
  const settings = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const files = examples.map(({ name }) => `${name}.mts`);
  const { code, stdout } = await nodeIn(folder, tsc, ...settings, '--skipLibCheck', ...files);
  assert.equal(code, 0, stdout);
});

describe('runs and ends by itself', { concurrency: availableParallelism() }, () => {
  for (const { name, code } of examples) {
    test(name, async () => {
      const folder = copyProject();
      writeFileSync(join(folder, 'example.mts'), code);
      const run = await nodeIn(folder, '--import', import.meta.resolve('tsx'), 'example.mts');
      assert.equal(run.code, 0, run.stderr);
      assert.equal(run.stderr, '');
    });
  }
});
