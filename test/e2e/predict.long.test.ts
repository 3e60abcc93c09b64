/** What predict does with many pictures, through the real command: lists, formats, sorting, watching. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { checksumOf } from '../../src/checkpoints/manifest.ts';
import { bin } from '../helpers/bin.ts';
import { saveNetwork } from '../helpers/checkpoint.ts';
import { cli, finish, type Run, startCli } from '../helpers/cli.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { articleDescription } from '../helpers/network.ts';
import { smallDisk } from '../helpers/small_disk.ts';
import { until } from '../helpers/until.ts';

const base = temporaryFolder();
const checkpoint = ['--checkpoint', join(base, 'run')];
const icons = ['bat', 'fox', 'bear', 'taco', 'pizza', 'cookie'];

before(async () => {
  await saveNetwork(join(base, 'run'), { ...articleDescription, classes: ['bat', 'sup'] });
  mkdirSync(join(base, 'pictures', 'deep'), { recursive: true });
  for (const [index, icon] of icons.entries())
    await emoji(icon).toFile(join(base, 'pictures', index % 2 ? 'deep' : '', `${icon}.png`));
});

/** A folder of its own with pictures/, which a test may sort. */
function project(): string {
  const folder = temporaryFolder();
  cpSync(join(base, 'pictures'), join(folder, 'pictures'), { recursive: true });
  return folder;
}

function predict(folder: string, ...args: string[]): Promise<Run> {
  return cli(folder, 'predict', ...args, ...checkpoint);
}

function records({ stdout }: Run) {
  const lines = stdout.split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Record<string, string> & { probability: number });
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
    .sort();
}

test('a better run is named after the answers, with the flag that selects it', async () => {
  const folder = project();
  const runs = join(folder, 'my runs');
  for (const [name, validationAccuracy] of [
    ['good', 0.9],
    ['new', 0.8],
  ] as const) {
    cpSync(join(base, 'run'), join(runs, name), { recursive: true });
    const [one = ''] = readdirSync(join(runs, name)).filter((name) => name.startsWith('checkpoint-'));
    const file = join(runs, name, one, 'manifest.json');
    const { checksum: _, ...manifest } = JSON.parse(readFileSync(file, 'utf8'));
    const saved = name === 'new' ? '2030-01-01T00:00:00.000Z' : '2020-01-01T00:00:00.000Z';
    const changed = { ...manifest, saved, metrics: { validationAccuracy } };
    writeFileSync(file, JSON.stringify({ ...changed, checksum: checksumOf(changed) }));
  }
  // Both streams as they come.
  const words = async (...flags: string[]) => {
    const command = [process.execPath, bin, 'predict', 'pictures/bat.png', ...flags];
    const env = { BATSUP_ENGINE: 'wasm', ...process.env };
    return (await finish(spawn('sh', ['-c', 'exec "$@" 2>&1', 'sh', ...command], { cwd: folder, env })))
      .stdout;
  };
  const answer = String.raw`Checkpoint: my runs/new/checkpoint-\d+\n.*bat\.png.*\nbat-sup: good has a better validation accuracy, .*\n`;
  assert.match(
    await words('--checkpoint', 'my runs'),
    new RegExp(`^${answer} {2}use it with --checkpoint 'my runs/good'\n$`),
  );
  assert.match(
    await words('--checkpoints', 'my runs'),
    new RegExp(`^${answer} {2}use it with --checkpoint good\n$`),
  );
  const taken = await words('--checkpoint', 'my runs/good');
  assert.match(taken, /^Checkpoint: my runs\/good\/checkpoint-\d+\n.*bat\.png.*\n$/);
});

test('hundreds of pictures are answered in order, however long each takes, with unreadable ones in their place', async () => {
  const folder = project();
  const large = join(folder, 'large.png');
  await emoji('bat', 1500).toFile(large);
  writeFileSync(join(folder, 'bad.jpg'), 'no picture');
  const names = Array.from({ length: 230 }, (_, index) => {
    if (index % 40 === 3) return 'bad.jpg';
    return index % 50 === 0 ? large : `pictures/${icons[(index % 3) * 2]}.png`;
  });
  writeFileSync(join(folder, 'list.txt'), names.join('\r\n'));
  const run = await predict(folder, '--files-from', 'list.txt', '--json');
  assert.equal(run.code, 1);
  const answers = records(run);
  assert.deepEqual(
    answers.map(({ file }) => file),
    names,
  );
  for (const { file, error } of answers) assert.equal(error !== undefined, file === 'bad.jpg');
  const bad = names.filter((name) => name === 'bad.jpg').length;
  assert.equal(run.stderr.split('\n').filter((line) => line.startsWith('bat-sup: bad.jpg: ')).length, bad);
  assert.match(
    run.stderr,
    new RegExp(`bat-sup: ${bad} pictures could not be read; the others are classified`),
  );
});

test('names that end with NUL may contain line feeds', async () => {
  const folder = project();
  const odd = 'pictures/two\nlines.png';
  renameSync(join(folder, 'pictures/bat.png'), join(folder, odd));
  const child = startCli(folder, ['predict', '--files-from', '-', '-0', '--json', ...checkpoint]);
  child.stdin?.end(`${odd}\0pictures/bear.png\0`);
  const run = await finish(child);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(
    records(run).map(({ file }) => file),
    [odd, 'pictures/bear.png'],
  );
});

test('CSV has a row per picture, with errors in the last column', async () => {
  const folder = project();
  writeFileSync(join(folder, 'b, "c".png'), '');
  const { code, stdout } = await predict(folder, 'pictures/bat.png', 'b, "c".png', '--csv');
  assert.equal(code, 1);
  const [head, bat, bad] = stdout.split('\n');
  assert.equal(head, 'file,class,probability,bat,sup,error');
  assert.match(bat as string, /^pictures\/bat\.png,(bat|sup),0\.\d+,0\.\d+,0\.\d+,$/);
  assert.equal(bad, '"b, ""c"".png",,,,,the file is empty');
});

test('pictures are moved to folders of their classes, and none is lost', async () => {
  const folder = project();
  writeFileSync(join(folder, 'pictures', 'bad.png'), 'no picture');
  const run = await predict(folder, 'pictures', '--move-to', 'sorted', '--json');
  assert.equal(run.code, 1);
  assert.deepEqual(filesBelow(join(folder, 'pictures')), ['bad.png']);
  const answers = records(run).filter(({ error }) => error === undefined);
  assert.equal(answers.length, icons.length);
  for (const { file, class: name, to } of answers) {
    assert.equal(to, join('sorted', name as string, (file as string).split('/').at(-1) as string));
    const now = readFileSync(join(folder, to as string));
    assert.ok(now.equals(readFileSync(join(base, file as string))));
  }
  assert.match(run.stderr, /Moved to sorted: \d+ (bat|sup)/);
  // A second time, with what is sorted in the way: they stay, and are not looked for again where all is searched.
  const before = filesBelow(join(folder, 'sorted'));
  const again = await predict(folder, '.', '--move-to', 'sorted', '--json');
  assert.deepEqual(
    records(again).map(({ file }) => file),
    ['./pictures/bad.png'],
  );
  const onto = await predict(folder, 'sorted', '--move-to', 'sorted');
  assert.equal(onto.code, 0, onto.stderr);
  assert.deepEqual(filesBelow(join(folder, 'sorted')), before);
});

test('an existing name gets a number; the same bytes are not stored twice', async () => {
  const folder = project();
  const first = await predict(folder, 'pictures/bat.png', '--copy-to', 'sorted', '--json');
  const { to } = records(first)[0] as Record<string, string>;
  assert.ok(existsSync(join(folder, 'pictures/bat.png')));
  assert.notEqual(statSync(join(folder, to as string)).ino, statSync(join(folder, 'pictures/bat.png')).ino);
  await predict(folder, 'pictures/bat.png', '--copy-to', 'sorted');
  assert.equal(filesBelow(join(folder, 'sorted')).length, 1);

  // Other pictures of that name, in both classes' folders: whichever the class is, the name is taken.
  const theirs = Buffer.from('something else');
  for (const name of ['bat', 'sup']) {
    mkdirSync(join(folder, 'taken', name), { recursive: true });
    writeFileSync(join(folder, 'taken', name, 'bat.png'), theirs);
  }
  const moved = records(await predict(folder, 'pictures/bat.png', '--move-to', 'taken', '--json'))[0];
  assert.match(moved?.to as string, /^taken\/(bat|sup)\/bat \(2\)\.png$/);
  for (const name of ['bat', 'sup'])
    assert.ok(readFileSync(join(folder, 'taken', name, 'bat.png')).equals(theirs));
  assert.ok(!existsSync(join(folder, 'pictures/bat.png')));
});

test('a move interrupted between its two names is completed; both names of one file are sorted', async () => {
  const folder = project();
  const [answer] = records(await predict(folder, 'pictures/bat.png', '--json'));
  mkdirSync(join(folder, 'sorted', answer?.class as string), { recursive: true });
  linkSync(join(folder, 'pictures/bat.png'), join(folder, 'sorted', answer?.class as string, 'bat.png'));
  linkSync(join(folder, 'pictures/bat.png'), join(folder, 'pictures/twin.png'));
  const run = await predict(folder, 'pictures/bat.png', 'pictures/twin.png', '--move-to', 'sorted');
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(filesBelow(join(folder, 'sorted')), [
    `${answer?.class}/bat.png`,
    `${answer?.class}/twin.png`,
  ]);
});

test('a link is copied as the file it leads to, and is not moved', async () => {
  const folder = project();
  symlinkSync('pictures/bat.png', join(folder, 'link.png'));
  const moved = await predict(folder, 'link.png', '--move-to', 'sorted');
  assert.equal(moved.code, 1);
  assert.match(moved.stderr, /link\.png: it is a link, which is not moved/);
  const copied = await predict(folder, 'link.png', '--copy-to', 'sorted', '--json');
  assert.equal(copied.code, 0, copied.stderr);
  const { to } = records(copied)[0] as Record<string, string>;
  const again = records(await predict(folder, 'link.png', '--copy-to', 'sorted', '--json'));
  assert.equal(again[0]?.to, to);
  rmSync(join(folder, 'pictures'), { recursive: true });
  assert.ok(readFileSync(join(folder, to as string)).equals(readFileSync(join(base, 'pictures/bat.png'))));
});

test('to another disk pictures are copied completely before they are removed; a full disk leaves them', async (context) => {
  const disk = smallDisk(context, 40);
  if (!disk) return;
  const folder = project();
  writeFileSync(
    join(folder, 'pictures', 'vast.png'),
    Buffer.concat([readFileSync(join(folder, 'pictures/bat.png')), Buffer.alloc(100_000)]),
  );
  const run = await predict(folder, 'pictures', '--move-to', join(disk, 'sorted'), '--json');
  assert.equal(run.code, 1);
  assert.match(run.stderr, /vast\.png: .*ENOSPC/);
  assert.ok(existsSync(join(folder, 'pictures', 'vast.png')));
  for (const { file, to } of records(run).filter((one) => one.to !== undefined)) {
    assert.ok(!existsSync(join(folder, file as string)));
    assert.ok(readFileSync(to as string).equals(readFileSync(join(base, file as string))));
  }
  assert.ok(!filesBelow(join(disk, 'sorted')).some((name) => name.includes('.tmp-')));
});

test('pictures below the threshold are unknown, and sorted as such', async () => {
  const folder = project();
  const all = records(await predict(folder, 'pictures', '--json'));
  const sorted = all.map(({ probability }) => probability).sort((a, b) => a - b);
  const threshold = String(sorted[3]);
  const run = await predict(folder, 'pictures', '--threshold', threshold, '--json', '--copy-to', 'out');
  for (const [index, record] of records(run).entries()) {
    const before = all[index] as (typeof all)[number];
    const isUnsure = before.probability < Number(threshold);
    assert.equal(record.class, isUnsure ? 'unknown' : before.class);
    assert.equal(record.likeliest, isUnsure ? before.class : undefined);
    assert.equal(record.probability, before.probability);
    assert.ok(record.to?.startsWith(`out/${record.class}/`));
  }
  assert.equal(filesBelow(join(folder, 'out', 'unknown')).length, 3);
  const text = await predict(folder, 'pictures/bat.png', '--threshold', '1');
  assert.match(text.stdout, /^pictures\/bat\.png {2}unknown \((bat|sup) 0\.\d{4}\)\n$/);
});

for (const [what, args, says] of [
  ['no pictures', [], /No pictures are named/],
  ['two places', ['x.png', '--move-to', 'a', '--copy-to', 'b'], /--move-to and --copy-to exclude each other/],
  [
    'a threshold above 1',
    ['x.png', '--threshold', '70'],
    /--threshold must be a probability from 0 to 1; received "70"/,
  ],
  ['a threshold of logits', ['x.png', '--threshold', '0.5', '--activation', 'none'], /gives logits/],
  ['--null alone', ['x.png', '--null'], /--null is about the names in --files-from/],
  ['watching and more', ['x.png', '--watch', 'in'], /--watch classifies the pictures of its folder only/],
] as const)
  test(`${what}: wrong usage, in one line`, async () => {
    const { code, stderr, stdout } = await predict(base, ...args);
    assert.equal(code, 2);
    assert.match(stderr, says);
    assert.equal(stderr.trim().split('\n').length, 1);
    assert.equal(stdout, '');
  });

test('a missing list or folder is an error of one line', async () => {
  const list = await predict(base, '--files-from', 'no-list');
  assert.equal(list.code, 1);
  assert.match(list.stderr, /^bat-sup: The list no-list cannot be read \(ENOENT/);
  const watched = await predict(base, '--watch', 'no-folder');
  assert.equal(watched.code, 1);
  assert.match(watched.stderr, /^bat-sup: no-folder is not a folder/);
});

test('a class that cannot be a folder’s name is refused before anything is moved', async () => {
  const folder = project();
  await saveNetwork(join(folder, 'run'), { ...articleDescription, classes: ['bat', '../sup'] });
  const { code, stderr } = await cli(
    folder,
    'predict',
    'pictures',
    '--move-to',
    'out',
    '--checkpoint',
    'run',
  );
  assert.equal(code, 1);
  assert.match(stderr, /No folder can be named after the class "\.\.\/sup"/);
  assert.equal(filesBelow(join(folder, 'pictures')).length, icons.length);
});

test('Ctrl-C stops after the current batch: answered pictures have been moved, the others have not', async () => {
  const folder = project();
  const bat = readFileSync(join(base, 'pictures', 'bat.png'));
  const names = Array.from({ length: 600 }, (_, index) => `pictures/${String(index).padStart(4, '0')}.png`);
  rmSync(join(folder, 'pictures'), { recursive: true });
  mkdirSync(join(folder, 'pictures'));
  for (const name of names) writeFileSync(join(folder, name), bat);
  const flags = ['pictures', '--move-to', 'sorted', '--json', ...checkpoint];
  const child = startCli(folder, ['predict', ...flags]);
  child.stdout?.once('data', () => child.kill('SIGINT'));
  const run = await finish(child);
  const answers = records(run);
  assert.equal(run.code, 130, run.stderr);
  assert.match(run.stderr, /Stopped after \d+ pictures/);
  assert.ok(answers.length < names.length);
  assert.deepEqual(
    answers.map(({ file }) => file),
    names.slice(0, answers.length),
  );
  assert.deepEqual(
    filesBelow(join(folder, 'pictures')),
    names.slice(answers.length).map((name) => name.slice('pictures/'.length)),
  );
  const rest = await cli(folder, 'predict', ...flags);
  assert.equal(rest.code, 0, rest.stderr);
  assert.equal(filesBelow(join(folder, 'pictures')).length, 0);
  assert.equal(filesBelow(join(folder, 'sorted')).length, names.length);
});

/** Writes a file bit by bit. @returns whether no two bits were so far apart that it could be taken for whole. */
async function writeSlowly(file: string, bytes: Buffer): Promise<boolean> {
  let [last, longest] = [performance.now(), 0];
  for (let written = 0; written < bytes.length; written += 400) {
    writeFileSync(file, bytes.subarray(written, written + 400), { flag: 'a' });
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    await setTimeout(100);
  }
  // A file that has not changed for half a second is.
  return longest < 400;
}

test('a folder is watched: existing files, files that appear whole, and files written slowly; Ctrl-C ends it', async () => {
  const folder = project();
  const watched = join(folder, 'pictures');
  const child = startCli(folder, [
    'predict',
    '--watch',
    'pictures',
    '--move-to',
    'pictures/sorted',
    '--json',
    ...checkpoint,
  ]);
  let stdout = '';
  child.stdout?.on('data', (data) => {
    stdout += data;
  });
  const end = finish(child);
  const names = () => records({ stdout } as Run).map(({ file }) => file);
  await until(() => names().length === icons.length);
  assert.deepEqual([...names()].sort(), names());

  const bat = readFileSync(join(base, 'pictures', 'bat.png'));
  writeFileSync(join(folder, 'whole.png'), bat);
  renameSync(join(folder, 'whole.png'), join(watched, 'deep', 'whole.png'));
  await until(() => names().length === icons.length + 1);
  // Where this process was kept from writing for so long that the file looked whole, another one is written.
  let written = 1;
  while (!(await writeSlowly(join(watched, `slow-${written}.png`), bat))) written++;
  const slow = `pictures/slow-${written}.png`;
  await until(() => names().includes(slow));
  child.kill('SIGINT');
  const { code, stderr } = await end;
  if (written === 1) assert.equal(code, 0, stderr);
  assert.match(stderr, /Moved to pictures\/sorted: /);
  assert.equal(names().filter((file) => file === slow).length, 1);
  if (written > 1) return;
  assert.deepEqual(names().slice(-2), ['pictures/deep/whole.png', slow]);
  assert.equal(filesBelow(join(watched, 'sorted')).length, icons.length + 2);
  assert.equal(filesBelow(watched).length, icons.length + 2);
});
