import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Picture } from '../../src/dataset/scan.ts';
import { type HeldBack, readHeldBack, saveHeldBack, sidesBefore } from '../../src/runs/held_back.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const data = join('a', 'data');

function picture(name: string, digest: string): Picture {
  return {
    file: join(data, 'bat', `${name}.jpg`),
    source: join('raw', 'bat', name),
    label: 0,
    stamp: '',
    digest,
  };
}

const copyOf = (name: string): Picture => ({
  file: join(data, 'bat', `${name}.aug-0001.jpg`),
  copyOf: join(data, 'bat', `${name}.jpg`),
  label: 0,
  stamp: '',
});

/** The record of a run that held b.png back. */
async function record(): Promise<HeldBack> {
  const run = join(temporaryFolder(), 'run');
  mkdirSync(run);
  const pictures = [picture('a.png', 'A'), picture('b.png', 'B'), picture('c.png', 'C'), copyOf('a.png')];
  const dataset = { classes: ['bat'], pictures };
  await saveHeldBack(run, { data, dataset, split: { train: [0, 2, 3], validation: [1] }, digest: '' });
  return (await readHeldBack(run)) as HeldBack;
}

test('a run records the pictures of both sides, without the copies', async () => {
  const { pictures, trained } = await record();
  assert.deepEqual(pictures, [
    { file: 'bat/b.png.jpg', digest: 'B', label: 0, source: join('raw', 'bat', 'b.png') },
  ]);
  assert.deepEqual(trained, [
    { file: 'bat/a.png.jpg', digest: 'A' },
    { file: 'bat/c.png.jpg', digest: 'C' },
  ]);
});

const cases: { what: string; now: Picture[]; sides: (string | undefined)[] }[] = [
  {
    what: 'pictures that are the same',
    now: [picture('a.png', 'A'), picture('b.png', 'B')],
    sides: ['train', 'validation'],
  },
  { what: 'a new one', now: [picture('d.png', 'D')], sides: [undefined] },
  {
    what: 'renamed ones',
    now: [picture('x.png', 'A'), picture('y.png', 'B')],
    sides: ['train', 'validation'],
  },
  {
    what: 'ones that have each other’s names',
    now: [picture('a.png', 'B'), picture('b.png', 'A')],
    sides: ['validation', 'train'],
  },
  {
    what: 'edited ones',
    now: [picture('a.png', 'a'), picture('b.png', 'b')],
    sides: ['train', 'validation'],
  },
  {
    what: 'copies, also of a source that is gone',
    now: [picture('a.png', 'A'), copyOf('a.png'), copyOf('b.png'), copyOf('d.png')],
    sides: ['train', 'train', 'validation', undefined],
  },
];

for (const { what, now, sides } of cases) {
  test(`${what}: ${sides.map(String).join(', ')}`, async () => {
    assert.deepEqual(sidesBefore(await record(), now, data), sides);
  });
}

test('in a run of an older version that records only its validation, all other pictures count as trained on', async () => {
  const { trained: _, ...former } = await record();
  const now = [picture('b.png', 'B'), picture('d.png', 'D')];
  assert.deepEqual(sidesBefore(former, now, data), ['validation', 'train']);
});

test('a run without a validation record is from an older version; a damaged record is refused', async () => {
  const run = temporaryFolder();
  const file = join(run, 'validation.json');
  assert.equal(await readHeldBack(run), undefined);
  const whole = { format: 'bat-sup validation', version: 1, dataset: '', data, pictures: [] };
  const damaged = ['', '{"format":', '[]', JSON.stringify({ ...whole, pictures: [{ file: 1, label: 0 }] })];
  for (const text of damaged) {
    writeFileSync(file, text);
    await assert.rejects(readHeldBack(run), ({ name, message }: Error) => {
      assert.match(
        message,
        /validation\.json cannot be read \(.+\), .*; restore it from a copy, or delete it/,
      );
      return name === 'Error' && !message.includes('\n');
    });
  }
  // A record that exists and cannot be opened is not treated as missing.
  rmSync(file);
  mkdirSync(file);
  await assert.rejects(readHeldBack(run), /cannot be read \(it is not a file\)/);
});

test('pictures that return after a while return to their sides', async () => {
  const run = join(temporaryFolder(), 'run');
  mkdirSync(run);
  const before = await record();
  const dataset = { classes: ['bat'], pictures: [picture('c.png', 'C'), picture('d.png', 'D')] };
  const sides = { train: [0], validation: [1] };
  await saveHeldBack(run, { data, dataset, split: sides, digest: '', before });
  const meanwhile = (await readHeldBack(run)) as HeldBack;
  assert.deepEqual(
    meanwhile.pictures.map(({ file }) => file),
    ['bat/d.png.jpg'],
  );
  const all = ['A', 'B', 'C', 'D'].map((digest) => picture(`${digest.toLowerCase()}.png`, digest));
  assert.deepEqual(sidesBefore(meanwhile, all, data), ['train', 'validation', 'train', 'validation']);
  // Missing again, they are still recorded.
  await saveHeldBack(run, { data, dataset, split: sides, digest: '', before: meanwhile });
  assert.equal(((await readHeldBack(run)) as HeldBack).absent?.length, 2);
});
