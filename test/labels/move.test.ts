import assert from 'node:assert/strict';
import fs, { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../src/errors.ts';
import { moveBack, moveToClasses } from '../../src/labels/move.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** A folder with these files, each holding its own path, and a list. */
function project(files: string[], list: string) {
  const folder = temporaryFolder();
  const rawData = join(folder, 'rawdata');
  for (const file of files) {
    mkdirSync(dirname(join(rawData, file)), { recursive: true });
    writeFileSync(join(rawData, file), file);
  }
  writeFileSync(join(folder, 'list.csv'), list);
  return { rawData, list: join(folder, 'list.csv') };
}

/** What each file below rawdata holds. */
function contents(rawData: string): Record<string, string> {
  const files = readdirSync(rawData, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const named = files.map((one): [string, string] => {
    const file = join(one.parentPath, one.name);
    return [file.slice(rawData.length + 1), readFileSync(file, 'utf8')];
  });
  return Object.fromEntries(named.sort());
}

const files = ['bat/a.png', 'bat/b, "c".png', 'bat/deep/d.png', 'sup/a.png', 'sup/e.png'];

test('pictures are moved to the classes of a list, over no other file, and back', async () => {
  const options = project(
    files,
    'file,class,note\nbat/a.png,sup,\n"bat/b, ""c"".png",sup,x\nbat/deep/d.png,sup,\nsup/e.png,sup,\n',
  );
  const before = contents(options.rawData);
  const { moved, failed } = await moveToClasses(options);
  assert.deepEqual([moved.length, failed], [3, []]);
  assert.deepEqual(contents(options.rawData), {
    'sup/a (2).png': 'bat/a.png',
    'sup/a.png': 'sup/a.png',
    'sup/b, "c".png': 'bat/b, "c".png',
    'sup/deep/d.png': 'bat/deep/d.png',
    'sup/e.png': 'sup/e.png',
  });
  mkdirSync(join(options.rawData, 'bat'), { recursive: true });
  assert.deepEqual(await moveToClasses(options), { moved: [], failed: [] });
  await moveBack(options);
  assert.deepEqual(contents(options.rawData), before);
  assert.ok(!existsSync(`${options.list}.moved.jsonl`));
});

test('what augment made of a picture goes with it', async () => {
  const copy = 'bat/a.png.aug-0001.jpg';
  const options = project([...files, copy], 'file,class\nbat/a.png,sup\n');
  const before = contents(options.rawData);
  await moveToClasses(options);
  assert.equal(contents(options.rawData)['sup/a (2).png'], 'bat/a.png');
  assert.equal(contents(options.rawData)['sup/a (2).png.aug-0001.jpg'], copy);
  await moveBack(options);
  assert.deepEqual(contents(options.rawData), before);
});

test('moves that were interrupted are completed by the same command', async (context) => {
  const options = project(files, 'file,class\nbat/a.png,sup\nbat/deep/d.png,sup\n');
  const before = contents(options.rawData);
  const { unlink } = fs.promises;
  let calls = 0;
  const mock = context.mock.method(fs.promises, 'unlink', (file: string) => {
    if (calls++ === 1) throw new Error('ended here');
    return unlink(file);
  });
  const { syncBuiltinESMExports } = await import('node:module');
  syncBuiltinESMExports();
  const { failed } = await moveToClasses(options);
  assert.deepEqual(
    failed.map(({ file }) => file),
    ['bat/deep/d.png'],
  );
  mock.mock.restore();
  syncBuiltinESMExports();
  assert.deepEqual(
    (await moveToClasses(options)).moved.map(({ from }) => from),
    ['bat/deep/d.png'],
  );
  assert.ok(!existsSync(join(options.rawData, 'bat/deep/d.png')));
  await moveBack(options);
  assert.deepEqual(contents(options.rawData), before);
});

test('a list that cannot be followed moves nothing, and says which line', async () => {
  const cases: [string, RegExp][] = [
    ['file,class\nbat/a.png,sup\nbat/nobody.png,sup\n', /names .*nobody\.png, which is not there/],
    ['file,class\nbat/a.png,sup\nbat/deep/d.png,sub\n', /line 3: .* has no class "sub"/],
    ['file,class\n../list.csv,sup\n', /line 2: .* is not a picture/],
    ['file,class\nbat/a.png,sup\nbat/a.png,bat\n', /line 3: .* is listed twice/],
    ['name,class\nbat/a.png,sup\n', /needs the columns file and class/],
    ['file,class\n"bat/a.png,sup\n', /cannot be read/],
    ['file;class\nbat/a.png;sub\n', /has no class "sub"/],
  ];
  for (const [list, message] of cases) {
    const options = project(files, list);
    const before = contents(options.rawData);
    await assert.rejects(
      moveToClasses(options),
      (error) => error instanceof UserError && message.test(error.message),
    );
    assert.deepEqual(contents(options.rawData), before);
  }
  const options = project(files, 'file,class\nbat/a.png,sup\n');
  await assert.rejects(moveBack(options), /records no moves/);
  rmSync(options.list);
  await assert.rejects(moveToClasses(options), /cannot be read/);
});

test('a journal that leads out of rawdata is refused', async () => {
  const options = project(files, '');
  writeFileSync(`${options.list}.moved.jsonl`, '{"from":"../stolen.png","to":"sup/e.png"}\n');
  await assert.rejects(moveBack(options), /is not below/);
  assert.ok(existsSync(join(options.rawData, 'sup/e.png')));
});
