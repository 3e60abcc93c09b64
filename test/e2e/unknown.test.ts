/** train --unknown, and what predict says of pictures of no class. */
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { cli } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const folder = temporaryFolder();
const size = ['--width', '24', '--height', '24'];
const run = (...args: string[]) => cli(folder, ...args);

before(async () => {
  await writeRawData(folder);
  const few = ['--epochs', '3', '--batch-size', '4', '--validation-split', '0.4', '--threads', '1'];
  const { code, stdout, stderr } = await run('train', ...size, ...few, '--unknown', '--json');
  assert.equal(code, 0, stderr);
  const { unknown } = JSON.parse(stdout);
  assert.ok(unknown.pictures >= 8 && unknown.rejected === 0, stdout);
  assert.equal(unknown.leftOut.classes, 2);
  for (const name of ['smiling-face', 'red-heart']) await emoji(name).toFile(join(folder, `${name}.png`));
});

const checkpointIn = (run: string) => {
  const name = readdirSync(run).find(
    (one) => one.startsWith('checkpoint-') && readdirSync(join(run, one)).includes('unknown.json'),
  );
  return join(run, name as string);
};

/** Makes everything unknown, or nothing: what is answered then depends on nothing that training rounds. */
function withFactors(factors: Record<string, number>): string {
  const copy = join(temporaryFolder(), 'checkpoint-00000001');
  cpSync(checkpointIn(join(folder, 'checkpoints', 'run-001')), copy, { recursive: true });
  const file = join(copy, 'unknown.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...factors }));
  return copy;
}

test('predict says unknown, and how far the picture is from the known ones', async () => {
  const far = withFactors({ distanceFactor: 1e6, doubtFactor: 1e6 });
  const { stdout, stderr } = await run('predict', 'red-heart.png', '--checkpoint', far);
  assert.match(
    stdout,
    /^red-heart\.png {2}unknown \((animal|food) 0\.\d{4} {2}distance \d+\.\d\d\)$/m,
    stderr,
  );
  const answer = JSON.parse((await run('predict', 'red-heart.png', '--checkpoint', far, '--json')).stdout);
  assert.equal(answer.class, 'unknown');
  assert.ok(['animal', 'food'].includes(answer.likeliest));
  assert.ok(answer.distance > 1);
  const [head, row] = (await run('predict', 'red-heart.png', '--checkpoint', far, '--csv')).stdout.split(
    '\n',
  );
  assert.equal(head, 'file,class,probability,animal,food,distance,error');
  assert.match(row as string, /^red-heart\.png,unknown,/);
});

test('where it is near, predict says its class, and the distance in JSON alone', async () => {
  const near = withFactors({ distanceFactor: 0, doubtFactor: 1 });
  const { stdout } = await run('predict', 'red-heart.png', '--checkpoint', near);
  assert.match(stdout, /^red-heart\.png {2}(animal|food) 0\.\d{4}$/m);
  const answer = JSON.parse((await run('predict', 'red-heart.png', '--checkpoint', near, '--json')).stdout);
  assert.ok(Math.abs(answer.distance - (1 - answer.probability)) < 1e-6);
});

test('unknown pictures are sorted into a folder of their own', async () => {
  const far = withFactors({ distanceFactor: 1e6, doubtFactor: 1e6 });
  const { code, stderr } = await run('predict', 'red-heart.png', '--checkpoint', far, '--copy-to', 'sorted');
  assert.equal(code, 0, stderr);
  assert.deepEqual(readdirSync(join(folder, 'sorted')), ['unknown']);
  assert.match(stderr, /Copied to sorted: 1 unknown/);
});

test('a damaged unknown.json is one line', async () => {
  const damaged = withFactors({});
  writeFileSync(join(damaged, 'unknown.json'), '{}');
  const { code, stdout, stderr } = await run('predict', 'red-heart.png', '--checkpoint', damaged);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(
    stderr,
    /unknown\.json is damaged \(.*\); delete it, then make a new one with "bat-sup train --resume --unknown"\.$/m,
  );
});

test('a finished run gets it with --resume --unknown, which trains nothing else', async () => {
  const other = temporaryFolder();
  cpSync(folder, other, { recursive: true });
  const checkpoint = checkpointIn(join(other, 'checkpoints', 'run-001'));
  const weights = readFileSync(join(checkpoint, 'weights.bin'));
  rmSync(join(checkpoint, 'unknown.json'));
  const { code, stdout, stderr } = await cli(other, 'train', '--resume', '--unknown', '0.2');
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^Unknown: \d of \d+ validation pictures rejected; each class left out in turn: ROC-AUC 0\.\d{4}$/m,
  );
  assert.equal(JSON.parse(readFileSync(join(checkpoint, 'unknown.json'), 'utf8')).share, 0.2);
  assert.deepEqual(readFileSync(join(checkpoint, 'weights.bin')), weights);
  const again = await cli(other, 'train', '--resume');
  assert.match(again.stderr, /has trained all of its 3 epochs/);
});

test('the same training gives the same file on any number of threads', async () => {
  const files = [];
  for (const threads of ['1', '2']) {
    const other = temporaryFolder();
    await writeRawData(other);
    const few = ['--epochs', '1', '--batch-size', '4', '--threads', threads, '--unknown'];
    const { code, stderr } = await cli(other, 'train', ...size, ...few, '--engine', 'wasm');
    assert.equal(code, 0, stderr);
    const text = readFileSync(
      join(checkpointIn(join(other, 'checkpoints', 'run-001')), 'unknown.json'),
      'utf8',
    );
    files.push(JSON.stringify({ ...JSON.parse(text), saved: '' }));
  }
  assert.equal(files[0], files[1]);
});

for (const [args, says, code] of [
  [['--unknown', '0.9'], /unknown must be a number from 0 to 0\.5; received "0\.9" \(--unknown\)/, 2],
  [
    ['--unknown', '--multi-label'],
    /unknown \(--unknown\) is for pictures of one class, and with multiLabel \(--multi-label\)/,
    2,
  ],
  [['--unknown', 'yes'], /unknown must be a number from 0 to 0\.5; received "yes" \(--unknown\)/, 2],
  [
    ['--unknown', '--validation-split', '0'],
    /--unknown needs validation pictures, and none are held back; raise --validation-split\./,
    1,
  ],
] as const)
  test(`train ${args.join(' ')} is refused in one line`, async () => {
    const other = temporaryFolder();
    await writeRawData(other);
    copyFileSync(join(folder, 'red-heart.png'), join(other, 'red-heart.png'));
    const refused = await cli(other, 'train', ...size, '--batch-size', '4', ...args);
    assert.equal(refused.code, code, refused.stderr);
    assert.match(refused.stderr, says);
  });
