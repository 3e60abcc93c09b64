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

test('check prints a table with every name on one line', async () => {
  const { code, stdout, stderr } = await cli(await flawed(), 'check');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^rawdata: 36 pictures in 2 classes\n/);
  assert.match(stdout, /^animal +20 +1$/m);
  assert.match(stdout, /^Unreadable files: 2\./m);
  assert.match(stdout, /^ {2}animal\/page.jpg +HTML, not a picture$/m);
  assert.match(
    stdout,
    /^ {2}"animal\/-evil\\n<img src=x onerror=alert\(1\)>\\u202e.png" = animal\/horse.png/m,
  );
  assert.match(stdout, /^ {2}animal\/cow.png = food\/steak.png +the same file in "animal" and "food"$/m);
  assert.match(stdout, /^5 groups of pictures that look the same, 10 in all: /m);
  assert.equal(stderr, '');
});

test('--json and --html agree, --strict sets the exit code', async () => {
  const folder = await flawed();
  const { code, stdout, stderr } = await cli(folder, 'check', '--json', '--html', 'report.html', '--strict');
  assert.equal(code, 1);
  assert.equal(stderr, 'Report: report.html\nbat-sup: 15 findings in rawdata.\n');
  assert.equal(JSON.parse(stdout).findings.length, 15);
  assert.match(readFileSync(join(folder, 'report.html'), 'utf8'), /36 pictures, 15 findings/);
});

test('--strict exits with 0 if there are no findings', async () => {
  const folder = temporaryFolder();
  await writeRawData(folder);
  const { code, stdout } = await cli(folder, 'check', '--strict');
  assert.equal(code, 0, stdout);
  assert.match(stdout, /No problems found\./);
});

test('--quarantine moves, a check then finds less, --restore undoes it', async () => {
  const folder = await flawed();
  const moved = await cli(folder, 'check', '--quarantine', 'bad', '--json');
  assert.equal(moved.code, 0, moved.stderr);
  assert.equal(JSON.parse(moved.stdout).quarantine.moved.length, 7);
  assert.match(moved.stderr, /7 files moved to bad; --restore bad moves them back/);
  const kinds = JSON.parse((await cli(folder, 'check', '--json')).stdout).findings.map(
    (finding: { kind: string }) => finding.kind,
  );
  assert.deepEqual(
    [...new Set(kinds)],
    ['folder', 'unsupported', 'damaged', 'extension', 'aspect', 'similar', 'similar-ambiguous'],
  );
  const back = await cli(folder, 'check', '--restore', 'bad');
  assert.equal(back.code, 0, back.stderr);
  assert.equal(existsSync(join(folder, 'bad')), false);
  assert.equal(JSON.parse((await cli(folder, 'check', '--json')).stdout).findings.length, 15);
});

test('wrong usage changes nothing', async () => {
  const folder = await flawed();
  for (const [args, says] of [
    [['--quarantine', 'rawdata/bad'], /rawdata\/bad is inside the raw pictures/],
    [
      ['--quarantine', 'bad', '--only', 'ugly'],
      /--only must be one or more of unreadable.*; received "ugly"/,
    ],
    [['--only', 'tiny'], /give both/],
  ] as const) {
    const { code, stderr, stdout } = await cli(folder, 'check', ...args);
    assert.equal(code, 2);
    assert.match(stderr, says);
    assert.equal(stdout, '');
    assert.deepEqual(readdirSync(folder), ['rawdata']);
  }
});

test('SIGINT stops the check and keeps its results so far', async () => {
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
  assert.match(stderr, /Stopped; run the same command to continue/);
  assert.equal((await cli(folder, 'check')).code, 0);
});

/** Root may read everything, so the command is run as nobody there. */
const nobody = process.getuid?.() === 0 ? 65534 : undefined;

test('unreadable folders are reported and the others are checked', async () => {
  const folder = await flawed();
  chmodSync(folder, 0o755);
  chmodSync(join(folder, 'rawdata'), 0o555);
  chmodSync(join(folder, 'rawdata', 'animal', 'more'), 0o000);
  try {
    const child = startCli(folder, ['check'], {}, nobody);
    const { code, stdout, stderr } = await finish(child);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Skipped folders: 1\..*\n {2}animal\/more +EACCES: permission denied$/m);
    assert.match(stdout, /^ {2}food\/tiny.png +30 x 30 pixels$/m);
    assert.match(
      stderr,
      /^bat-sup: The next check starts from scratch: rawdata.\.checked\.jsonl cannot be written/,
    );
  } finally {
    chmodSync(join(folder, 'rawdata'), 0o755);
    chmodSync(join(folder, 'rawdata', 'animal', 'more'), 0o755);
  }
});
