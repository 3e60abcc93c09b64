import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { UserError } from '../../src/errors.ts';
import { isStale, type ResizeOptions, resizeAll } from '../../src/images/resize.ts';
import { temporaryFolder } from '../helpers/folder.ts';

async function write(file: string, background = 'red'): Promise<void> {
  mkdirSync(join(file, '..'), { recursive: true });
  const picture = sharp({ create: { width: 30, height: 20, channels: 3, background } });
  writeFileSync(file, await picture.png().toBuffer());
}

async function project(): Promise<{ root: string; options: ResizeOptions }> {
  const root = temporaryFolder();
  for (const file of ['bat/a.png', 'bat/b.jpg', 'sup/c.png']) await write(join(root, 'rawdata', file));
  const folders = { rawData: join(root, 'rawdata'), data: join(root, 'data') };
  return { root, options: { ...folders, width: 16, height: 12, channels: 3, fit: 'fill', workers: 2 } };
}

test('every picture gets one size and one format; a second run does nothing', async () => {
  const { root, options } = await project();
  assert.equal(await isStale(options), true);
  const first = await resizeAll(options);
  assert.deepEqual(
    { ...first },
    { classes: ['bat', 'sup'], made: 3, unchanged: 0, removed: 0, unreadable: [] },
  );
  assert.deepEqual(readdirSync(join(root, 'data', 'bat')), ['a.png.jpg', 'b.jpg']);
  const { width, height, format } = await sharp(join(root, 'data', 'bat', 'a.png.jpg')).metadata();
  assert.deepEqual({ width, height, format }, { width: 16, height: 12, format: 'jpeg' });

  const made = statSync(join(root, 'data', 'bat', 'b.jpg')).mtimeMs;
  assert.equal(await isStale(options), false);
  assert.equal((await resizeAll(options)).unchanged, 3);
  assert.equal(statSync(join(root, 'data', 'bat', 'b.jpg')).mtimeMs, made);
});

test('only what changed is done again', async () => {
  const { root, options } = await project();
  await resizeAll(options);
  await write(join(root, 'rawdata', 'bat', 'a.png'), 'blue');
  utimesSync(join(root, 'rawdata', 'bat', 'a.png'), new Date(), new Date(Date.now() + 5000));
  rmSync(join(root, 'data', 'sup', 'c.png.jpg'));
  const report = await resizeAll(options);
  assert.deepEqual([report.made, report.unchanged], [2, 1]);
  const { dominant } = await sharp(join(root, 'data', 'bat', 'a.png.jpg')).stats();
  assert.ok(dominant.b > 200 && dominant.r < 50);
});

test('another size makes all anew', async () => {
  const { root, options } = await project();
  await resizeAll(options);
  const larger = { ...options, width: 24 };
  assert.equal(await isStale(larger), true);
  assert.equal((await resizeAll(larger)).made, 3);
  assert.equal((await sharp(join(root, 'data', 'bat', 'b.jpg')).metadata()).width, 24);
});

test('a deleted source takes its copy along, and nothing else', async () => {
  const { root, options } = await project();
  await write(join(root, 'rawdata', 'joker', 'j.png'));
  await resizeAll(options);
  await write(join(root, 'data', 'bat', 'own.jpg'));
  rmSync(join(root, 'rawdata', 'bat', 'a.png'));
  rmSync(join(root, 'rawdata', 'joker'), { recursive: true });
  assert.equal((await resizeAll(options)).removed, 2);
  assert.deepEqual(readdirSync(join(root, 'data', 'bat')), ['b.jpg', 'own.jpg']);
  assert.equal(existsSync(join(root, 'data', 'joker')), false);
});

test('what cannot be read is reported each time, and read once it is mended', async () => {
  const { root, options } = await project();
  const broken = join(root, 'rawdata', 'bat', 'broken.png');
  writeFileSync(broken, '<html></html>');
  for (let run = 0; run < 2; run++) {
    const { unreadable } = await resizeAll(options);
    assert.deepEqual(unreadable, [{ file: broken, reason: 'not a picture but HTML' }]);
  }
  await write(broken);
  assert.deepEqual((await resizeAll(options)).unreadable, []);
  assert.ok(existsSync(join(root, 'data', 'bat', 'broken.png.jpg')));
});

test('a picture that breaks loses its old copy', async () => {
  const { root, options } = await project();
  await resizeAll(options);
  writeFileSync(join(root, 'rawdata', 'bat', 'a.png'), 'broken');
  const report = await resizeAll(options);
  assert.equal(report.unreadable.length, 1);
  assert.equal(existsSync(join(root, 'data', 'bat', 'a.png.jpg')), false);
});

test('two sources never share a copy', async () => {
  const { root, options } = await project();
  await write(join(root, 'rawdata', 'bat', 'a.jpg'));
  await write(join(root, 'rawdata', 'bat', 'a.png.jpg'));
  await write(join(root, 'rawdata', 'bat', 'deeper', 'a.png'));
  const { unreadable } = await resizeAll(options);
  assert.equal(unreadable.length, 1);
  assert.match(unreadable[0]?.reason ?? '', /would have the name of bat\/a\.png\.jpg; rename one of them/);
  assert.deepEqual(readdirSync(join(root, 'data', 'bat')), ['a.jpg', 'a.png.jpg', 'b.jpg', 'deeper']);
});

test('a class without a readable picture is an error', async () => {
  const { root, options } = await project();
  mkdirSync(join(root, 'rawdata', 'empty'));
  await assert.rejects(
    resizeAll(options),
    (error) => error instanceof UserError && /empty is empty/.test(error.message),
  );
});

test('without rawdata a data folder from elsewhere is taken as it is', async () => {
  const { root, options } = await project();
  renameSync(join(root, 'rawdata'), join(root, 'data'));
  assert.equal(await isStale(options), false);
});

test('one worker and many make the same files', async () => {
  const [one, many] = [await project(), await project()];
  await resizeAll({ ...one.options, workers: 1 });
  await resizeAll({ ...many.options, workers: 8 });
  const bytes = (root: string) =>
    sharp(join(root, 'data', 'bat', 'a.png.jpg'))
      .raw()
      .toBuffer();
  assert.deepEqual(await bytes(one.root), await bytes(many.root));
});

test('copies that the former ledger knows are not made again', async () => {
  const { root, options } = await project();
  await resizeAll(options);
  const ledger = join(root, 'data', '.resized.jsonl');
  const [settings, ...lines] = readFileSync(ledger, 'utf8').trimEnd().split('\n') as [string, ...string[]];
  const entries = lines.map((line) => {
    const [source, size, modified] = JSON.parse(line);
    return [
      source,
      { stamp: `${size}-${modified}`, copy: source.endsWith('.jpg') ? source : `${source}.jpg` },
    ];
  });
  rmSync(ledger);
  const former = join(root, 'data', '.resized.json');
  writeFileSync(former, JSON.stringify({ settings, entries: Object.fromEntries(entries) }));
  assert.equal(await isStale(options), false);
  const { made, unchanged } = await resizeAll(options);
  assert.deepEqual([made, unchanged], [0, 3]);
  assert.deepEqual([existsSync(former), existsSync(ledger)], [false, true]);
});

test('stopped, it finishes what is in flight, and the next run does the rest', async () => {
  const { root, options } = await project();
  const controller = new AbortController();
  const { signal } = controller;
  const onProgress = () => controller.abort();
  const { made, stopped } = await resizeAll({ ...options, workers: 1, signal, onProgress });
  assert.deepEqual([made, stopped], [1, true]);
  assert.deepEqual(readdirSync(join(root, 'data', 'bat')), ['a.png.jpg']);
  // Stopped before it knows what is there, it leaves all as it is.
  assert.deepEqual((await resizeAll({ ...options, signal })).stopped, true);
  const next = await resizeAll(options);
  assert.deepEqual([next.made, next.unchanged, next.removed, next.stopped], [2, 1, 0, undefined]);
});

test('links that lead nowhere or to a folder are unreadable until they lead to a picture', async () => {
  const { root, options } = await project();
  const [nowhere, folder] = ['nowhere.png', 'folder'].map((name) => join(root, 'rawdata', 'bat', name));
  symlinkSync('../later.png', nowhere as string);
  symlinkSync('..', folder as string);
  const { made, unreadable } = await resizeAll(options);
  assert.deepEqual([made, unreadable.map(({ file }) => file)], [3, [folder, nowhere]]);
  assert.equal(await isStale(options), false);
  await write(join(root, 'rawdata', 'later.png'));
  assert.equal((await resizeAll(options)).made, 1);
});

test('a source goes whose copy has the name of another one’s', async () => {
  const { root, options } = await project();
  await write(join(root, 'rawdata', 'bat', 'a.png.jpg'));
  await resizeAll(options);
  rmSync(join(root, 'rawdata', 'bat', 'a.png'));
  assert.equal((await resizeAll(options)).removed, 1);
  assert.equal(existsSync(join(root, 'data', 'bat', 'a.png.jpg')), true);
  assert.equal(await isStale(options), false);
});
