import assert from 'node:assert/strict';
import fs, {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { checkAll } from '../../src/check/check.ts';
import { type Kind, kindNames, movable, movedByDefault } from '../../src/check/kinds.ts';
import { quarantine, restore } from '../../src/check/quarantine.ts';
import { UsageError, UserError } from '../../src/errors.ts';
import { hostileName, writeFlawedData } from '../helpers/flawed.ts';
import { temporaryFolder } from '../helpers/folder.ts';

interface Project {
  rawData: string;
  folder: string;
  move(only?: Kind[]): ReturnType<typeof quarantine>;
  undo(): ReturnType<typeof restore>;
}

async function project(folder = temporaryFolder()): Promise<Project> {
  await writeFlawedData(folder);
  const rawData = join(folder, 'rawdata');
  const options = { rawData, folder: join(folder, 'out', 'quarantine') };
  return {
    ...options,
    async move(only = movedByDefault) {
      const { findings } = await checkAll({ rawData, width: 100, height: 100, workers: 2 });
      return quarantine(findings, only, options);
    },
    undo: () => restore(options),
  };
}

/** Every file below a folder but the cache: what it holds, or where it leads to. */
function contents(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => !entry.isDirectory() && entry.name !== '.checked.jsonl');
  const named = files.map((entry): [string, string] => {
    const file = join(entry.parentPath ?? entry.path, entry.name);
    const content = entry.isSymbolicLink() ? fs.readlinkSync(file) : readFileSync(file, 'latin1');
    return [file.slice(folder.length + 1), content];
  });
  return Object.fromEntries(named.sort());
}

/** Makes a function of the file system fail, for as long as the test or until undone. */
function failing(context: TestContext, name: 'link' | 'unlink' | 'rename', code: string, after = 0) {
  const original = fs.promises[name] as (...args: unknown[]) => Promise<void>;
  let calls = 0;
  const mock = context.mock.method(fs.promises, name, (...args: unknown[]) => {
    if (calls++ < after) return original(...args);
    return Promise.reject(Object.assign(new Error(`${code}: made to fail`), { code }));
  });
  syncBuiltinESMExports();
  return () => {
    mock.mock.restore();
    syncBuiltinESMExports();
  };
}

const moved = [
  'animal/cow.png',
  'animal/horse.png',
  'animal/loop.png',
  'animal/page.jpg',
  'food/steak.png',
  'food/tiny.png',
  'food/white.png',
];

test('bad files move into the quarantine, in their class folders, and back', async () => {
  const { rawData, folder, move, undo } = await project();
  const before = contents(rawData);
  assert.equal((await move()).failed.length, 0);
  const { 'quarantine.jsonl': manifest = '', ...files } = contents(folder);
  assert.deepEqual(Object.keys(files), moved);
  for (const [file, content] of Object.entries(files)) assert.equal(content, before[file]);
  for (const file of moved) assert.equal(contents(rawData)[file], undefined);
  const entries = manifest
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const white = entries.find(({ file }) => file === 'food/white.png');
  const origin = '../../rawdata/food/white.png';
  assert.deepEqual(white, { file: 'food/white.png', origin, kind: 'uniform', why: 'a single colour' });

  assert.equal((await undo()).moved.length, moved.length);
  assert.deepEqual(contents(rawData), before);
  assert.equal(existsSync(folder), false);
});

test('a file that may be a picture of an unknown format stays; one that certainly is not moves', async () => {
  const { rawData, folder, move } = await project();
  const dog = readFileSync(join(rawData, 'animal', 'dog.png'));
  const files: Record<string, Buffer> = {
    'a.newraw': Buffer.concat([Buffer.from('\x00NEWRAW\xff\xfe', 'latin1'), dog.subarray(8)]),
    'cut.png': dog.subarray(0, 100),
    'empty.png': Buffer.alloc(0),
    'notes.txt': Buffer.from('bats are mammals'),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(rawData, 'animal', name), bytes);
  await move();
  const gone = Object.keys(files).filter((name) => existsSync(join(folder, 'animal', name)));
  assert.deepEqual(gone, ['cut.png', 'empty.png', 'notes.txt']);
  const { moved } = await move(['unsupported']);
  assert.ok(
    moved.some(({ from }) => from.endsWith('a.newraw')),
    'where its kind is named, it goes',
  );
});

test('the kinds to move can be chosen', async () => {
  for (const kind of kindNames.filter((name) => movable[name])) {
    const { rawData, move, undo } = await project();
    const before = contents(rawData);
    const { moved, failed } = await move([kind]);
    assert.ok(moved.length > 0 && failed.length === 0, kind);
    await undo();
    assert.deepEqual(contents(rawData), before);
  }
});

test('the augmented copies of a file move with it and back', async () => {
  const { rawData, folder, move, undo } = await project();
  for (const copy of ['cow.png.aug-0001.jpg', 'cow.png.aug-0002.jpg'])
    fs.copyFileSync(join(rawData, 'animal', 'bat.png'), join(rawData, 'animal', copy));
  const before = contents(rawData);
  await move(['ambiguous']);
  assert.ok(existsSync(join(folder, 'animal', 'cow.png.aug-0002.jpg')));
  await undo();
  assert.deepEqual(contents(rawData), before);
});

test('a second quarantine into the same folder overwrites nothing, and all files can be restored', async () => {
  const { rawData, folder, move, undo } = await project();
  await move(['unreadable']);
  const page = join(rawData, 'animal', 'page.jpg');
  writeFileSync(page, 'other words');
  await move(['unreadable']);
  assert.equal(readFileSync(join(folder, 'animal', 'page.jpg'), 'utf8'), '<html></html>');
  assert.equal(readFileSync(join(folder, 'animal', 'page (2).jpg'), 'utf8'), 'other words');
  const { failed } = await undo();
  assert.equal(failed.length, 1);
  assert.equal(readFileSync(page, 'utf8'), '<html></html>');
  assert.equal(readFileSync(join(folder, 'animal', 'page (2).jpg'), 'utf8'), 'other words');
  rmSync(page);
  assert.deepEqual((await undo()).failed, []);
  assert.equal(readFileSync(page, 'utf8'), 'other words');
});

test('restoring does not overwrite a new file at the original path', async () => {
  const { rawData, folder, move, undo } = await project();
  await move();
  const white = join(rawData, 'food', 'white.png');
  writeFileSync(white, 'new');
  const { failed } = await undo();
  assert.deepEqual(failed, [{ file: join(folder, 'food', 'white.png'), reason: `${white} already exists` }]);
  assert.equal(readFileSync(white, 'utf8'), 'new');
  assert.ok(existsSync(join(folder, 'food', 'white.png')));
  assert.ok(existsSync(join(folder, 'quarantine.jsonl')));
});

for (const code of ['EXDEV', 'EPERM']) {
  test(`where hard links are not possible (${code}), files are copied with their times`, async (context) => {
    const undoMock = failing(context, 'link', code);
    const { rawData, folder, move, undo } = await project();
    const before = contents(rawData);
    const { mtimeMs } = statSync(join(rawData, 'food', 'white.png'));
    assert.deepEqual((await move()).failed, []);
    assert.ok(Math.abs(statSync(join(folder, 'food', 'white.png')).mtimeMs - mtimeMs) < 1);
    assert.deepEqual((await undo()).failed, []);
    assert.deepEqual(contents(rawData), before);
    undoMock();
  });
}

const otherDevice = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync('.').dev;

test('to another file system and back', { skip: !otherDevice && 'needs /dev/shm' }, async (context) => {
  const { rawData } = await project();
  const folder = fs.mkdtempSync('/dev/shm/bat-sup-test-');
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const before = contents(rawData);
  const { findings } = await checkAll({ rawData, width: 100, height: 100, workers: 2 });
  assert.deepEqual((await quarantine(findings, movedByDefault, { rawData, folder })).failed, []);
  assert.equal(contents(rawData)['food/white.png'], undefined);
  assert.deepEqual((await restore({ rawData, folder })).failed, []);
  assert.deepEqual(contents(rawData), before);
});

/** Cut off at each step of the move of the third file: before its new name, before its old one goes. */
for (const step of ['link', 'unlink'] as const) {
  for (const what of ['move', 'undo'] as const) {
    test(`${what} interrupted at ${step} loses nothing and can be run again`, async (context) => {
      const it = await project();
      const before = contents(it.rawData);
      if (what === 'undo') await it.move();
      const goOn = failing(context, step, 'EIO', 2);
      const { failed } = await it[what]();
      assert.ok(failed.length > 0);
      goOn();
      const everything = { ...contents(it.folder), ...contents(it.rawData) };
      for (const [file, content] of Object.entries(before)) assert.equal(everything[file], content);
      assert.deepEqual((await it[what]()).failed, []);
      if (what === 'move') await it.undo();
      assert.deepEqual(contents(it.rawData), before);
      assert.deepEqual(contents(it.folder), {});
    });
  }
}

test('a torn line at the end of a manifest is ignored: its file was not moved', async () => {
  const { rawData, folder, move, undo } = await project();
  const before = contents(rawData);
  await move(['unreadable']);
  fs.appendFileSync(join(folder, 'quarantine.jsonl'), '{"file":"food/whi');
  await move(['uniform']);
  await undo();
  assert.deepEqual(contents(rawData), before);
});

test('a folder inside rawdata, one that is not a quarantine, and one of other pictures are errors', async () => {
  const { rawData, folder } = await project();
  await assert.rejects(quarantine([], [], { rawData, folder: join(rawData, 'bad') }), UsageError);
  await assert.rejects(restore({ rawData, folder }), UserError);
  mkdirSync(join(folder, 'a'), { recursive: true });
  const entry = { file: 'a/b.png', origin: '../../../../etc/b.png', kind: 'tiny', why: '' };
  writeFileSync(join(folder, 'a', 'b.png'), 'bytes');
  writeFileSync(join(folder, 'quarantine.jsonl'), `${JSON.stringify(entry)}\n`);
  await assert.rejects(restore({ rawData, folder }), /not below/);
  assert.ok(existsSync(join(folder, 'a', 'b.png')));
});

test('a hostile name moves like any other', async () => {
  const { rawData, folder, move } = await project();
  rmSync(join(rawData, 'animal', 'horse.png'));
  fs.copyFileSync(join(rawData, 'animal', hostileName), join(rawData, 'animal', '\t.png'));
  await move(['duplicate']);
  assert.equal(Object.keys(contents(folder)).filter((file) => file !== 'quarantine.jsonl').length, 1);
});
