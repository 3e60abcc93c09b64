import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCredits } from '../../src/collect/credits.ts';
import { type Entry, Ledger, readLedger } from '../../src/collect/ledger.ts';
import { findPictures } from '../../src/images/find.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const time = '2024-01-01T00:00:00.000Z';
function stored(url: string, file: string): Entry {
  return { state: 'stored', url, file, sha256: `sha of ${file}`, bytes: 1, width: 1, height: 1, time };
}
const failed: Entry = { state: 'failed', url: 'http://a.b/x', reason: 'HTTP 404', time };

async function write(folder: string, ...entries: Entry[]): Promise<void> {
  const ledger = await Ledger.open(folder);
  await Promise.all(entries.map((entry) => ledger.append(entry)));
  await ledger.close();
}

test('the last line about a URL counts, also after reopening', async () => {
  const folder = temporaryFolder();
  await write(folder, failed, stored('http://a.b/y', 'y.png'));
  await write(folder, stored('http://a.b/x', 'x.png'));
  const entries = await readLedger(folder);
  assert.deepEqual([...entries.keys()], ['http://a.b/x', 'http://a.b/y']);
  assert.equal(entries.get('http://a.b/x')?.state, 'stored');
  const ledger = await Ledger.open(folder);
  assert.equal(ledger.fileWith('sha of x.png'), 'x.png');
  assert.equal(ledger.fileWith('sha of z.png'), undefined);
  await ledger.close();
});

test('the ledger is not a picture', async () => {
  const root = temporaryFolder();
  const folder = mkdtempSync(join(root, 'class-'));
  await write(folder, failed);
  writeFileSync(join(folder, '.x.tmp-1'), 'half a picture');
  writeFileSync(join(folder, 'a.png'), 'a picture');
  const { classes } = await findPictures(root);
  assert.deepEqual(classes[0]?.pictures, ['a.png']);
});

test('a ledger cut off anywhere keeps every whole line, and the next entry is not lost', async () => {
  const root = temporaryFolder();
  const folder = mkdtempSync(join(root, 'class-'));
  const urls = ['http://a.b/1', 'http://a.b/2', 'http://a.b/ü'];
  await write(folder, ...urls.map((url, index) => stored(url, `${index}.png`)));
  const whole = readFileSync(join(folder, '.collected.jsonl'));
  const ends = [...whole.entries()].filter(([, byte]) => byte === 10).map(([index]) => index);
  const property = fc.asyncProperty(fc.nat(whole.length), async (length) => {
    const cut = mkdtempSync(join(root, 'cut-'));
    writeFileSync(join(cut, '.collected.jsonl'), whole.subarray(0, length));
    await write(cut, failed);
    // A line that lacks only its line break is complete.
    const wholeLines = urls.filter((_, index) => length >= (ends[index] as number));
    assert.deepEqual([...(await readLedger(cut)).keys()], [...wholeLines, failed.url]);
  });
  await fc.assert(property, { numRuns: 60 });
});

test('credits cover the pictures that exist', async () => {
  const folder = temporaryFolder();
  await write(folder, failed, stored('http://a.b/y', 'y.png'), stored('http://a.b/z', 'z.png'));
  writeFileSync(join(folder, 'z.png'), '');
  assert.deepEqual(
    (await readCredits(folder)).map(({ file }) => file),
    ['z.png'],
  );
  assert.deepEqual(await readCredits(join(folder, 'missing')), []);
});
