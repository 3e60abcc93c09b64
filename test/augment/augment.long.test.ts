import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AugmentOptions, augmentAll, cleanAugmented } from '../../src/augment/augment.ts';
import { shareCopies } from '../../src/augment/plan.ts';
import { settings } from '../../src/config/settings.ts';
import { UsageError } from '../../src/errors.ts';
import { generatedNameOf, parseGeneratedName } from '../../src/images/generated.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const icons = ['bat', 'bear', 'cow'];

async function project(overrides: Partial<AugmentOptions> = {}): Promise<AugmentOptions> {
  const rawData = join(temporaryFolder(), 'rawdata');
  mkdirSync(join(rawData, 'animal'), { recursive: true });
  for (const icon of icons) await emoji(icon).toFile(join(rawData, 'animal', `${icon}.png`));
  const operations = settings.augmentOperations.default;
  return { rawData, target: 11, operations, seed: 5, workers: 2, ...overrides };
}

/** Every file's digest by its name. */
function digests({ rawData }: AugmentOptions): Record<string, string> {
  const folder = join(rawData, 'animal');
  const names = readdirSync(folder).sort();
  const digest = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
  return Object.fromEntries(names.map((name) => [name, digest(name)]));
}

test('a class reaches the target, every source being used once before any twice', async () => {
  const options = await project();
  const report = await augmentAll(options);
  assert.deepEqual(report.classes, [{ name: 'animal', sources: 3, generated: 8 }]);
  const copies = Object.keys(digests(options)).flatMap((name) => parseGeneratedName(name)?.source ?? []);
  assert.deepEqual(
    icons.map((icon) => copies.filter((source) => source === `${icon}.png`).length),
    [3, 3, 2],
  );
});

test('the same seed makes the same bytes, whatever the workers, and interrupted or not', async () => {
  const one = await project({ workers: 1 });
  await augmentAll(one);
  const expected = digests(one);
  assert.equal(new Set(Object.values(expected)).size, 11);

  const many = await project({ workers: 7 });
  await augmentAll(many);
  assert.deepEqual(digests(many), expected);

  for (const name of Object.keys(expected)
    .filter((name) => parseGeneratedName(name))
    .slice(2, 6)) {
    rmSync(join(many.rawData, 'animal', name));
  }
  assert.equal((await augmentAll(many)).made, 4);
  assert.deepEqual(digests(many), expected);
});

test('a second run makes nothing; a higher target only adds, a lower one only removes', async () => {
  const options = await project();
  await augmentAll(options);
  const before = digests(options);
  assert.equal((await augmentAll(options)).made, 0);
  const more = await augmentAll({ ...options, target: 14 });
  assert.deepEqual([more.made, more.kept, more.removed], [3, 8, 0]);
  const fewer = await augmentAll(options);
  assert.deepEqual([fewer.made, fewer.kept, fewer.removed], [0, 8, 3]);
  assert.deepEqual(digests(options), before);
});

test('another seed makes other pictures in place of the old ones', async () => {
  const options = await project();
  await augmentAll(options);
  const before = digests(options);
  const report = await augmentAll({ ...options, seed: 6 });
  assert.deepEqual([report.made, report.removed], [8, 8]);
  const changed = Object.entries(digests(options)).filter(([name, digest]) => before[name] !== digest);
  assert.equal(changed.length, 8);
});

test('--clean removes what was generated, and sources are never touched', async () => {
  const options = await project();
  const before = digests(options);
  await augmentAll(options);
  assert.equal(await cleanAugmented(options.rawData), 8);
  assert.deepEqual(digests(options), before);
  assert.deepEqual(readdirSync(options.rawData), ['animal']);
});

test('what cannot be read is reported, left out, and made up for', async () => {
  const options = await project();
  writeFileSync(join(options.rawData, 'animal', 'broken.png'), 'no picture');
  const report = await augmentAll(options);
  assert.equal(report.unreadable[0]?.reason, 'text, not a picture');
  assert.deepEqual(report.classes, [{ name: 'animal', sources: 3, generated: 8 }]);
});

test('upside down is never a default', () => {
  assert.ok(settings.augmentOperations.default.includes('flipLeftRight'));
  assert.ok(!settings.augmentOperations.default.includes('flipTopBottom'));
});

test('an unknown operation is wrong usage, and names the known', async () => {
  const options = await project({ operations: ['melt' as 'zoom'] });
  await assert.rejects(augmentAll(options), (error) => {
    assert.ok(error instanceof UsageError);
    return /operation must be one of autoContrast, .*rotate.*; received "melt" \(augmentOperations\)/.test(
      error.message,
    );
  });
});

test('copies are shared evenly and reach the target exactly', () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 500 }), (sources, target) => {
      const works = shareCopies(
        Array.from({ length: sources }, (_, i) => `s${i}`),
        target,
      );
      const counts = works.map(({ copies }) => copies.length);
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        Math.max(0, target - sources),
      );
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
    }),
  ));

test('a generated name tells its source, whatever the source is called', () =>
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }).filter((name) => !name.includes('\n')),
      fc.integer({ min: 1, max: 99999 }),
      (name, copy) => {
        assert.deepEqual(parseGeneratedName(generatedNameOf(name, copy)), { source: name, copy });
      },
    ),
  ));
