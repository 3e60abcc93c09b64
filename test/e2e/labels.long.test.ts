/** check --labels with the real EfficientNet-Lite0: two pictures in the wrong class are found, moved and moved back. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { wheelOf, withoutWheels } from '../helpers/backbones.ts';
import { cliWith } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const name = 'efficientnet-lite0';
const skip = withoutWheels(name);
const folder = temporaryFolder();
const environment = { XDG_CACHE_HOME: temporaryFolder() };
const picture = (path: string) => join(folder, 'rawdata', path);

async function check(...args: string[]) {
  const done = await cliWith(environment, folder, 'check', ...args);
  assert.equal(done.code, 0, done.stderr);
  return done;
}

before(async () => {
  await writeRawData(folder);
  await emoji('tiger').toFile(picture('food/one.png'));
  await emoji('hamburger').toFile(picture('animal/two.png'));
  if (!skip) await cliWith(environment, folder, 'setup', '--backbone', name, '--from', wheelOf(name));
});

test('pictures in the wrong class are the first that are listed, in every form', { skip }, async () => {
  const { stdout: csv, stderr } = await check('--labels', '--csv', '--html', 'report.html');
  assert.match(stderr, /Report: report\.html/);
  const [head, ...rows] = csv.trim().split('\n');
  assert.equal(head, 'file,class,own,probability,ownProbability');
  const moves = rows.slice(0, 2).map((row) => row.split(',').slice(0, 3).join());
  assert.deepEqual(moves.sort(), ['animal/two.png,food,animal', 'food/one.png,animal,food']);
  const html = readFileSync(join(folder, 'report.html'), 'utf8');
  assert.match(html, /Pictures that may be in the wrong class/);
  const { stdout } = await check('--labels');
  assert.match(stdout, /food\/one\.png +rather animal \(\d+ %\) than food \([\d.]+ %\)/);
  const { findings } = JSON.parse((await check('--labels', '--json')).stdout);
  const found = findings.filter(({ kind }: { kind: string }) => kind === 'label');
  assert.deepEqual([found[0].files.length, found[0].label.own !== found[0].label.class], [4, true]);
  assert.equal(csv, (await check('--labels', '--csv', '--threads', '1')).stdout);
  writeFileSync(join(folder, 'wrong.csv'), `${[head, ...rows.slice(0, 2)].join('\n')}\n`);
});

test('a confirmed list is put right, and undone', { skip }, async () => {
  const { stdout } = await check('--move', 'wrong.csv', '--json');
  assert.equal(JSON.parse(stdout).moved.length, 2);
  assert.ok(existsSync(picture('animal/one.png')) && existsSync(picture('food/two.png')));
  const { findings } = JSON.parse((await check('--labels', '--json')).stdout);
  const files = findings.flatMap((one: { kind: string; files: string[] }) =>
    one.kind === 'label' ? [one.files[0]] : [],
  );
  assert.ok(!files.includes('animal/one.png') && !files.includes('food/two.png'), String(files));
  await check('--move-back', 'wrong.csv');
  assert.ok(existsSync(picture('food/one.png')) && existsSync(picture('animal/two.png')));
});

test('where no network can be had, it says in one line what to do', async () => {
  const nothing = { XDG_CACHE_HOME: temporaryFolder(), PATH: temporaryFolder() };
  const { code, stderr } = await cliWith(nothing, folder, 'check', '--labels');
  assert.equal(code, 1);
  assert.match(stderr, /^bat-sup: efficientnet-lite0 is not installed .*; or train a network first, .*\.$/m);
});

test('without the pre-trained network, the features are those of the newest run, with one line', async () => {
  const nothing = { XDG_CACHE_HOME: temporaryFolder(), PATH: temporaryFolder() };
  const own = ['--width', '32', '--height', '32'];
  for (const args of [
    ['resize', ...own],
    ['train', ...own, '--epochs', '3', '--engine', 'wasm'],
  ])
    assert.equal((await cliWith(nothing, folder, ...args)).code, 0);
  const { code, stdout, stderr } = await cliWith(nothing, folder, 'check', '--labels', '--csv');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^bat-sup: Without efficientnet-lite0 .* the features are those of .*run-001.*$/m);
  assert.match(stdout, /^file,class,own,probability,ownProbability\n/);
});

test('flags that contradict each other are refused before anything is read', async () => {
  for (const [args, message] of [
    [['--csv'], /--csv is about --labels; give both\./],
    [['--move', 'a.csv', '--move-back', 'a.csv'], /--move and --move-back each do one thing only/],
    [['--labels', '--move', 'a.csv'], /--move finds nothing; leave out --labels\./],
    [['--labels', '--csv', '--json'], /--csv and --json exclude each other/],
  ] as const) {
    const { code, stderr } = await cliWith(environment, folder, 'check', ...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});
