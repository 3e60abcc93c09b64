import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Entry, ResizeLedger } from '../../src/images/resize_ledger.ts';
import { temporaryFolder } from '../helpers/folder.ts';

type Change = [source: string, entry: Entry | undefined];

const settings = '{"width":16}';
const root = temporaryFolder();
const newFolder = () => mkdtempSync(join(root, 'data-'));
const linesOf = (data: string) => readFileSync(join(data, '.resized.jsonl'), 'utf8').trimEnd().split('\n');

const source = fc.oneof(
  fc.constantFrom('bat/a.png', 'bat/b.png', 'sup/\u2028\r\n".png', '__proto__/constructor', 'sup/\u{1f987}'),
  fc.string({ minLength: 1, maxLength: 6 }),
);
const entry: fc.Arbitrary<Entry> = fc
  .record({
    size: fc.nat(),
    modified: fc.double({ min: 0, max: 2e12, noNaN: true }).map((time) => time + 0),
    unreadable: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
  })
  .map(({ unreadable, ...rest }) => (unreadable === undefined ? rest : { ...rest, unreadable }));
const changes = fc.array(fc.tuple(source, fc.option(entry, { nil: undefined, freq: 3 })), { maxLength: 30 });

function apply(changes: Change[]): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const [source, entry] of changes) entry ? entries.set(source, entry) : entries.delete(source);
  return entries;
}

async function write(data: string, changes: Change[]): Promise<void> {
  const ledger = await ResizeLedger.read(data, settings);
  await ledger.open();
  for (const [source, entry] of changes) entry ? ledger.set(source, entry) : ledger.delete(source);
  await ledger.close();
}

const read = async (data: string, of = settings) => new Map((await ResizeLedger.read(data, of)).entries());

test('the entries of several runs are read back, and most lines are current', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(changes, { minLength: 1, maxLength: 4 }), async (runs) => {
      const data = newFolder();
      for (const run of runs) await write(data, run);
      const expected = apply(runs.flat());
      assert.deepEqual(await read(data), expected);
      assert.ok(linesOf(data).length - 1 <= 2 * expected.size);
      assert.deepEqual(readdirSync(data), ['.resized.jsonl']);
    }),
    { numRuns: 60 },
  );
});

test('a ledger cut off anywhere keeps the lines before, and can be continued', async () => {
  const data = newFolder();
  await write(data, [['bat/a.png', { size: 1, modified: 1 }]]);
  const whole = linesOf(data)[0] as string;
  const all: Change[] = [
    ['bat/\u{1f987}.png', { size: 20, modified: 1.5 }],
    ['bat/a.png', undefined],
    ['sup/c.png', { size: 3, modified: 7, unreadable: 'the file is empty' }],
  ];
  const lines = all.map(([source, entry]) =>
    JSON.stringify([source, ...(entry ? Object.values(entry) : [])]),
  );
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  for (let length = 0; length <= bytes.length; length++) {
    const folder = newFolder();
    const first = [whole, JSON.stringify(['bat/a.png', 1, 1]), ''].join('\n');
    writeFileSync(
      join(folder, '.resized.jsonl'),
      Buffer.concat([Buffer.from(first), bytes.subarray(0, length)]),
    );
    const known = await read(folder);
    const prefixes = [0, 1, 2, 3].map((count) =>
      apply([['bat/a.png', { size: 1, modified: 1 }], ...all.slice(0, count)]),
    );
    assert.ok(prefixes.some((prefix) => isEqual(prefix, known)));
    await write(folder, [['sup/new.png', { size: 9, modified: 9 }]]);
    assert.deepEqual(await read(folder), known.set('sup/new.png', { size: 9, modified: 9 }));
  }
});

function isEqual(one: unknown, other: unknown): boolean {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

test('with other settings all entries are kept and none is current', async () => {
  const data = newFolder();
  await write(data, [
    ['bat/a.png', { size: 1, modified: 2 }],
    ['bat/b.png', { size: 1, modified: 2, unreadable: 'why' }],
  ]);
  const others = await read(data, '{"width":24}');
  assert.deepEqual(others.get('bat/a.png'), { size: -1, modified: 2 });
  assert.deepEqual(others.get('bat/b.png'), { size: -1, modified: 2, unreadable: 'why' });
  assert.equal((await read(data)).get('bat/a.png')?.size, 1);
});

test('a ledger of the older format is converted', async () => {
  const data = newFolder();
  const entries = {
    'bat/a.png': { stamp: '123-1732503765123.5', copy: 'bat/a.png.jpg' },
    'bat/b.png': { stamp: '5-7', unreadable: 'not a picture' },
    'bat/c.png': { stamp: '', copy: 'bat/c.png.jpg' },
  };
  writeFileSync(join(data, '.resized.json'), `${JSON.stringify({ settings, entries })}\n`);
  const expected = new Map<string, Entry>([
    ['bat/a.png', { size: 123, modified: 1732503765123.5 }],
    ['bat/b.png', { size: 5, modified: 7, unreadable: 'not a picture' }],
    ['bat/c.png', { size: -1, modified: 0 }],
  ]);
  assert.deepEqual(await read(data), expected);
  await write(data, []);
  assert.equal(existsSync(join(data, '.resized.json')), false);
  assert.deepEqual(await read(data), expected);
});

test('a file that is not a ledger is replaced', async () => {
  for (const text of ['', '\0\0\0\0', 'null\n', '[[[\n{}\n']) {
    const data = newFolder();
    writeFileSync(join(data, '.resized.jsonl'), text);
    appendFileSync(join(data, '.resized.json'), text);
    assert.deepEqual(await read(data), new Map());
    await write(data, [['bat/a.png', { size: 1, modified: 1 }]]);
    assert.deepEqual(linesOf(data), [settings, '["bat/a.png",1,1]']);
  }
});
