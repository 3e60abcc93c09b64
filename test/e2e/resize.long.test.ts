import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { cli, finish, type Run, startCli } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const whole = temporaryFolder();
const count = 400;

async function writeMany(folder: string): Promise<void> {
  for (const [name, icon] of [
    ['animal', 'bat'],
    ['food', 'taco'],
  ] as const) {
    mkdirSync(join(folder, 'rawdata', name), { recursive: true });
    const picture = emoji(icon, 200);
    for (let index = 0; index < count / 2; index++)
      await picture
        .clone()
        .rotate(index)
        .toFile(join(folder, 'rawdata', name, `${index}.png`));
  }
}

/** Digests of all files of data/, hidden ones too; the ledger's lines may be in another order. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(join(folder, 'data'), { recursive: true }).map(String).sort();
  const bytesOf = (file: string) => {
    const bytes = readFileSync(join(folder, 'data', file));
    if (file !== '.resized.jsonl') return bytes;
    const lines = bytes.toString().trimEnd().split('\n');
    // Without the times of change.
    return lines
      .map((line, at) => (at === 0 ? line : JSON.parse(line).slice(0, 2).join()))
      .sort()
      .join('\n');
  };
  const digest = (file: string) => createHash('sha256').update(bytesOf(file)).digest('hex');
  return Object.fromEntries(
    files.filter((file) => statSync(join(folder, 'data', file)).isFile()).map((file) => [file, digest(file)]),
  );
}

function copiesIn(folder: string): number {
  const data = join(folder, 'data', 'animal');
  return existsSync(data) ? readdirSync(data).filter((name) => !name.startsWith('.')).length : 0;
}

/** Ends a command with a signal once it has made some copies. */
async function endBy(signal: NodeJS.Signals, folder: string, ...args: string[]): Promise<Run> {
  const already = copiesIn(folder);
  const child = startCli(folder, args);
  const timer = setInterval(() => {
    if (copiesIn(folder) < already + 20) return;
    clearInterval(timer);
    child.kill(signal);
  }, 5);
  const run = await finish(child);
  clearInterval(timer);
  return run;
}

before(async () => {
  await writeMany(whole);
  const { code, stderr } = await cli(whole, 'resize');
  assert.equal(code, 0, stderr);
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGKILL', null],
] as const) {
  test(`${signal} loses nothing: the next run ends with the files of an uninterrupted one`, async () => {
    const folder = temporaryFolder();
    await writeMany(folder);
    for (let round = 0; round < 3; round++) {
      const run = await endBy(signal, folder, 'resize', '--workers', '2');
      assert.equal(run.code, code, run.stderr);
      assert.equal(run.stdout, '');
    }
    const { stdout, stderr } = await cli(folder, 'resize', '--workers', '3', '--json');
    const { made, unchanged } = JSON.parse(stdout);
    assert.ok(unchanged >= 3 * 20 - 10 && made > 0, stdout + stderr);
    assert.equal(made + unchanged, count);
    assert.deepEqual(contents(folder), contents(whole));
  });
}

test('SIGINT stops train’s resizing, and nothing is trained', async () => {
  const folder = temporaryFolder();
  await writeMany(folder);
  const { code, stderr } = await endBy('SIGINT', folder, 'train', '--epochs', '1', '--workers', '1');
  assert.equal(code, 130, stderr);
  assert.match(stderr, /^Stopped; run the same command to continue\.$/m);
  assert.equal(existsSync(join(folder, 'checkpoints')), false);
  assert.equal((await cli(folder, 'resize')).code, 0);
  assert.deepEqual(contents(folder), contents(whole));
});

/** Root may write everywhere, so the command is run as nobody there. */
const nobody = process.getuid?.() === 0 ? 65534 : undefined;

test('an unwritable folder ends the run, and no picture is blamed', async () => {
  const folder = temporaryFolder();
  await writeRawData(folder);
  assert.equal((await cli(folder, 'resize')).code, 0);
  await emoji('guitar').toFile(join(folder, 'rawdata', 'animal', 'guitar.png'));
  chmodSync(folder, 0o755);
  chmodSync(join(folder, 'data'), 0o777);
  chmodSync(join(folder, 'data', '.resized.jsonl'), 0o666);
  chmodSync(join(folder, 'data', 'animal'), 0o555);
  const { code, stderr } = await finish(startCli(folder, ['resize'], {}, nobody));
  chmodSync(join(folder, 'data', 'animal'), 0o755);
  assert.equal(code, 1, stderr);
  assert.match(
    stderr,
    /^bat-sup: data\/animal\/guitar\.png\.jpg cannot be written: EACCES: permission denied/,
  );
  const { stdout } = await cli(folder, 'resize', '--json');
  assert.equal(JSON.parse(stdout).made, 1);
});
