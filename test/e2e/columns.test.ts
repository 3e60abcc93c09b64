/** What is printed fits a terminal of 80 columns. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { cli, type Run } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const folder = temporaryFolder();
const train = ['train', '--width', '16', '--height', '16'];
let trained: Run;

before(async () => {
  await writeRawData(folder);
  trained = await cli(folder, ...train, '--epochs', '2');
  await cli(
    folder,
    ...train,
    '--epochs',
    '1',
    '--recipe',
    'best',
    '--augment-operations',
    'rotate,zoom,shift',
  );
});

function assertFits({ stdout, stderr }: Run): void {
  const tooLong = `${stdout}${stderr}`.split('\n').filter((line) => [...line].length > 80);
  assert.deepEqual(tooLong, []);
}

test('training', () => {
  assert.equal(trained.code, 0, trained.stderr);
  assert.match(
    trained.stderr,
    /^epoch 1\/2 {2}loss \d\.\d{4} {2}acc 0\.\d{4} {2}val loss \d\.\d{4} {2}acc /m,
  );
  assertFits(trained);
});

for (const [command, pattern] of [
  ['config', /^augmentOperations +default +flipLeftRight, .+,\n +\w+, /m],
  ['runs', /^run-002 +finished +[\d :-]+ +1\/1 +0\.\d{4}/m],
  ['checkpoints', /^checkpoint-00000\d+ +[\d :-]+ +2 +\d\.\d{4} +0\.\d{4} +\d+ +(best, )?newest$/m],
] as const) {
  test(`bat-sup ${command}`, async () => {
    const run = await cli(folder, ...command.split(' '));
    assert.match(run.stdout, pattern);
    assertFits(run);
  });
}
