import assert from 'node:assert/strict';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { HeldBack } from '../../src/runs/held_back.ts';
import { cli } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const folder = temporaryFolder();
const small = ['--width', '24', '--height', '24', '--batch-size', '8', '--validation-split', '0.4'];

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(folder, ...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

const record = (name: string): HeldBack =>
  JSON.parse(readFileSync(join(folder, 'checkpoints', name, 'validation.json'), 'utf8'));
const digestsOf = (pictures: { digest?: string }[] = []) => new Set(pictures.map(({ digest }) => digest));
const sourceOf = ({ source = '' }: { source?: string }) => join(folder, source);

before(async () => {
  await writeRawData(folder);
  await run('augment', '--target', '20');
  await run('train', '--epochs', '1', ...small);
});

test('validation uses only raw pictures, by their names, and no copies', async () => {
  const { topLosses, pictures } = JSON.parse(await run('evaluate', '--json', '--top-losses', '100'));
  assert.equal(pictures, record('run-001').pictures.length);
  assert.equal(topLosses.length, pictures);
  for (const { file } of topLosses) assert.match(file, /^rawdata\/(animal|food)\/[a-z]+\.png$/);
});

test('held-back pictures stay held back when pictures are added, removed and renamed', async () => {
  const first = record('run-001');
  const [removed, renamed, edited] = first.pictures as [(typeof first.pictures)[0], ...typeof first.pictures];
  rmSync(sourceOf(removed));
  renameSync(sourceOf(renamed as typeof removed), join(folder, 'rawdata', 'food', '0-renamed.png'));
  // A copy under another name of one held back, and one of one learnt from.
  const drawing = readFileSync(sourceOf(edited as typeof removed));
  writeFileSync(join(folder, 'rawdata', 'animal', '0-again.png'), drawing);
  await emoji('bat', 90).toFile(join(folder, 'rawdata', 'animal', '0-bat.png'));
  for (const name of ['anchor', 'key', 'rocket'])
    await emoji(name).toFile(join(folder, 'rawdata', 'food', `0-${name}.png`));
  await run('train', '--resume', '--epochs', '2', ...small);

  const second = record('run-001');
  const learnt = digestsOf(second.trained);
  for (const { digest } of first.pictures) assert.ok(!learnt.has(digest));
  const held = digestsOf(second.pictures);
  for (const { digest } of first.trained ?? []) assert.ok(!held.has(digest));
  assert.equal(held.has(removed.digest), false);
  assert.ok(held.has(renamed?.digest));
  const files = second.pictures.map(({ file }) => file);
  assert.ok(files.includes('animal/0-again.png.jpg'));
  assert.equal(files.includes('animal/0-bat.png.jpg'), files.includes('animal/bat.png.jpg'));
});
