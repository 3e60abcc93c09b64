/** A new project by the real command, as somebody who has nothing else goes on. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';

test('a project with a sample trains without anything installed in it', async () => {
  const folder = temporaryFolder();
  const made = await cli(folder, 'init', 'bats', '--sample');
  assert.equal(made.code, 0, made.stderr);
  const project = join(folder, 'bats');
  assert.match(
    made.stdout,
    /^Made in bats: config\.ts, \.gitignore, package\.json, rawdata\/\nNext:\n {2}cd bats\n/,
  );
  assert.deepEqual(readdirSync(join(project, 'rawdata')), ['square', 'star']);
  const small = ['--width', '16', '--height', '16', '--epochs', '1', '--json'];
  const { code, stdout, stderr } = await cli(project, 'train', ...small);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /2 classes: square, star\n1[56]\d pictures to train on, [345]\d for validation/);
  assert.equal(JSON.parse(stdout).finished, true);
});

test('config.ts is read, and contains the defaults', async () => {
  const folder = temporaryFolder();
  await cli(folder, 'init');
  const config = async () => JSON.parse((await cli(folder, 'config', '--json')).stdout);
  assert.deepEqual((await config()).dropout, { value: 0, from: 'config.ts' });
  const file = join(folder, 'config.ts');
  writeFileSync(file, readFileSync(file, 'utf8').replace('dropout: 0', 'dropout: 0.3'));
  assert.deepEqual((await config()).dropout, { value: 0.3, from: 'config.ts' });
});

test('the sample is the same each time', async () => {
  const [one, other] = [temporaryFolder(), temporaryFolder()];
  for (const folder of [one, other]) await cli(folder, 'init', '--sample');
  const picture = (folder: string) => readFileSync(join(folder, 'rawdata', 'star', 'star-100.png'));
  assert.deepEqual(picture(one), picture(other));
});

test('existing files are unchanged', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'config.ts'), 'export default { epochs: 3 }');
  mkdirSync(join(folder, 'rawdata', 'bat'), { recursive: true });
  const { code, stdout } = await cli(folder, 'init', '--json');
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), {
    folder: '.',
    made: ['.gitignore', 'package.json'],
    kept: ['config.ts', 'rawdata/'],
  });
  assert.equal(readFileSync(join(folder, 'config.ts'), 'utf8'), 'export default { epochs: 3 }');
  const sample = await cli(folder, 'init', '--sample');
  assert.equal(sample.code, 1);
  assert.match(sample.stderr, /^bat-sup: rawdata holds pictures already; leave --sample out\.\n$/);
  assert.ok(!existsSync(join(folder, 'rawdata', 'star')));
});

test('a folder that cannot be made is reported', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'taken'), '');
  const { code, stderr } = await cli(folder, 'init', 'taken');
  assert.equal(code, 1);
  assert.match(stderr, /^bat-sup: taken cannot be written \(.*\); choose another folder\.\n$/);
});
