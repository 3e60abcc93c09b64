/** The examples of docs/library.md as a program of one's own would have them: from the package, each in a process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { saveNetwork } from '../helpers/checkpoint.ts';
import { finish } from '../helpers/cli.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { articleDescription } from '../helpers/network.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = temporaryFolder();
const text = readFileSync(join(root, 'docs/library.md'), 'utf8');
const examples = text.split(/^## /m).flatMap((section) => {
  const about = section.split('\n')[0] as string;
  return section
    .split(/^```/m)
    .filter((block) => block.startsWith('ts\n'))
    .map((block) => ({ about, code: block.slice('ts\n'.length) }));
});

const heroes = { ...articleDescription, classes: ['bat', 'sup'] };
const letters = {
  ...articleDescription,
  width: 16,
  height: 12,
  channels: 1 as const,
  classes: ['a', 'b', 'c', 'd'],
};
/** What each example prints, in their order. */
const printed = [
  /^(bat|sup) 0\.\d+\n(bat|sup) 0\.\d{4}\n(bat|sup) 0\.\d{4}\n$/,
  /^unknown (bat|sup)\n$/,
  /^pictures\/a\.png: (bat|sup)\npictures\/b\.jpg: text, not a picture\npictures\/c\.jpg: (bat|sup)\n$/,
  /^HTML, not a picture\nnowhere holds no checkpoint; [^\n]+\n$/,
  /^true true\ntrue\n$/,
  /^(bat|sup) true\n$/,
];

before(async () => {
  await saveNetwork(join(folder, 'checkpoints', 'run-001'), heroes);
  await saveNetwork(join(folder, 'letters', 'run-001'), letters);
  mkdirSync(join(folder, 'pictures'));
  mkdirSync(join(folder, 'node_modules'));
  await emoji('bat').jpeg().toFile(join(folder, 'sup.jpg'));
  await emoji('fox').toFile(join(folder, 'pictures', 'a.png'));
  writeFileSync(join(folder, 'pictures', 'b.jpg'), 'no picture');
  cpSync(join(folder, 'sup.jpg'), join(folder, 'pictures', 'c.jpg'));
  symlinkSync(root, join(folder, 'node_modules', 'bat-sup'));
  for (const name of ['glob', '@types'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  for (const [index, { code }] of examples.entries()) writeFileSync(join(folder, `${index}.mts`), code);
});

function node(...args: string[]) {
  return finish(spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }));
}

test('the examples fit the types of the package', async () => {
  const settings = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
  const files = examples.map((_, index) => `${index}.mts`);
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { code, stdout } = await node(tsc, ...settings, '--skipLibCheck', ...files);
  assert.equal(code, 0, stdout);
});

test('there is a line here for every example', () => assert.equal(examples.length, printed.length));

for (const [index, { about }] of examples.entries()) {
  test(`example ${index + 1}, ${about}: runs, prints and ends by itself`, async () => {
    const { code, stdout, stderr } = await node('--import', import.meta.resolve('tsx'), `${index}.mts`);
    assert.equal(code, 0, stderr);
    assert.match(stdout, printed[index] as RegExp);
    assert.equal(stderr, '');
  });
}
