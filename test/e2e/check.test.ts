import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cli, finish, startCli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { writeFlawedData } from '../helpers/flawed.ts';
import { temporaryFolder } from '../helpers/folder.ts';

async function flawed(): Promise<string> {
  const folder = temporaryFolder();
  await writeFlawedData(folder);
  return folder;
}

test('check prints a table, a hostile name within its line', async () => {
  const { code, stdout, stderr } = await cli(await flawed(), 'check');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^rawdata: 36 pictures in 2 classes\n/);
  assert.match(stdout, /^animal +20 +1$/m);
  assert.match(stdout, /^Unreadable files: 3\./m);
  assert.match(stdout, /^ {2}animal\/page.jpg +not a picture but HTML$/m);
  assert.match(
    stdout,
    /^ {2}"animal\/-evil\\n<img src=x onerror=alert\(1\)>\\u202e.png" = animal\/horse.png/m,
  );
  assert.match(stdout, /^ {2}animal\/cow.png = food\/steak.png +the same file in "animal" and "food"$/m);
  assert.match(stdout, /The split never parts the 10 pictures of 5 groups/);
  assert.equal(stderr, '');
});

test('--json and --html tell the same, --strict makes it the exit code', async () => {
  const folder = await flawed();
  const { code, stdout, stderr } = await cli(folder, 'check', '--json', '--html', 'report.html', '--strict');
  assert.equal(code, 1);
  assert.equal(stderr, 'Report: report.html\nbat-sup: 14 findings in rawdata.\n');
  assert.equal(JSON.parse(stdout).findings.length, 14);
  assert.match(readFileSync(join(folder, 'report.html'), 'utf8'), /36 pictures, 14 findings/);
});

test('where nothing is wrong, --strict is content', async () => {
  const folder = temporaryFolder();
  await writeRawData(folder);
  const { code, stdout } = await cli(folder, 'check', '--strict');
  assert.equal(code, 0, stdout);
  assert.match(stdout, /Nothing wrong was found\./);
});

test('--quarantine moves, a check then finds less, --restore undoes it', async () => {
  const folder = await flawed();
  const moved = await cli(folder, 'check', '--quarantine', 'bad', '--json');
  assert.equal(moved.code, 0, moved.stderr);
  assert.equal(JSON.parse(moved.stdout).quarantine.moved.length, 8);
  assert.match(moved.stderr, /8 files moved to bad; --restore bad undoes it/);
  const kinds = JSON.parse((await cli(folder, 'check', '--json')).stdout).findings.map(
    (finding: { kind: string }) => finding.kind,
  );
  assert.deepEqual([...new Set(kinds)], ['damaged', 'extension', 'aspect', 'similar', 'similar-ambiguous']);
  const back = await cli(folder, 'check', '--restore', 'bad');
  assert.equal(back.code, 0, back.stderr);
  assert.equal(existsSync(join(folder, 'bad')), false);
  assert.equal(JSON.parse((await cli(folder, 'check', '--json')).stdout).findings.length, 14);
});

test('wrong usage changes nothing', async () => {
  const folder = await flawed();
  for (const [args, says] of [
    [['--quarantine', 'rawdata/bad'], /would be a class/],
    [['--quarantine', 'bad', '--only', 'ugly'], /--only names "ugly"; allowed are unreadable/],
    [['--only', 'tiny'], /give both/],
  ] as const) {
    const { code, stderr, stdout } = await cli(folder, 'check', ...args);
    assert.equal(code, 2);
    assert.match(stderr, says);
    assert.equal(stdout, '');
    assert.deepEqual(readdirSync(folder), ['rawdata']);
  }
});

test('SIGINT stops with what was checked remembered', async () => {
  const folder = await flawed();
  const child = startCli(folder, ['check', '--workers', '1']);
  const started = setInterval(() => {
    if (!existsSync(join(folder, 'rawdata', '.checked.jsonl'))) return;
    clearInterval(started);
    child.kill('SIGINT');
  }, 1);
  const { code, stdout, stderr } = await finish(child);
  clearInterval(started);
  assert.equal(code, 130, stdout + stderr);
  assert.match(stderr, /Stopped; what was checked so far is remembered/);
  assert.equal((await cli(folder, 'check')).code, 0);
});

/** Root may read everything, so the command is run as nobody there. */
const nobody = process.getuid?.() === 0 ? 65534 : undefined;

test('folders that cannot be read are named and the rest is checked', async () => {
  const folder = await flawed();
  chmodSync(folder, 0o755);
  chmodSync(join(folder, 'rawdata'), 0o555);
  chmodSync(join(folder, 'rawdata', 'animal', 'more'), 0o000);
  try {
    const child = startCli(folder, ['check'], {}, nobody);
    const { code, stdout, stderr } = await finish(child);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^Folders that cannot be read: 1\..*\n {2}animal\/more +EACCES: permission denied$/m,
    );
    assert.match(stdout, /^ {2}food\/tiny.png +30 x 30 pixels$/m);
    assert.match(stderr, /^The next check starts anew: rawdata.\.checked\.jsonl cannot be written/);
  } finally {
    chmodSync(join(folder, 'rawdata'), 0o755);
    chmodSync(join(folder, 'rawdata', 'animal', 'more'), 0o755);
  }
});
