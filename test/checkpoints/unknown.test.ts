import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findCheckpoint, readUnknown, saveUnknown, verifyCheckpoint } from '../../src/checkpoints/index.ts';
import type { FittedRejection } from '../../src/unknown/fit.ts';
import { saveNetwork } from '../helpers/checkpoint.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { articleDescription } from '../helpers/network.ts';
import { assertRefused } from '../helpers/refused.ts';

const fitted: FittedRejection = {
  references: { rows: Int8Array.of(3, 4, 0, -127, 0, 0), length: 3 },
  factors: { distanceFactor: 2, doubtFactor: 0.5 },
  pictures: 20,
  rejected: 1,
  leftOut: { classes: 2, rocAuc: 0.9, softmaxRocAuc: 0.8, tradeOff: [{ rejected: 0.05, caught: 0.6 }] },
};

async function stored() {
  const checkpoint = await findCheckpoint(
    await saveNetwork(join(temporaryFolder(), 'run'), articleDescription),
  );
  await saveUnknown(checkpoint, fitted, { layer: 'fc1', share: 0.05 });
  return { checkpoint, file: join(checkpoint.folder, 'unknown.json') };
}

test('what is stored is read back', async () => {
  const { checkpoint } = await stored();
  const read = await readUnknown(checkpoint);
  assert.ok(read);
  const { references, ...rejection } = read.rejection;
  assert.deepEqual(rejection, { layer: 'fc1', length: 3, distanceFactor: 2, doubtFactor: 0.5 });
  assert.deepEqual([...references], [...Float32Array.of(0.6, 0.8, 0, -1, 0, 0)]);
  assert.deepEqual([read.share, read.pictures, read.rejected], [0.05, 20, 1]);
  assert.deepEqual(read.leftOut, fitted.leftOut);
  assert.deepEqual(await verifyCheckpoint(checkpoint.folder), []);
});

test('a checkpoint without it rejects nothing', async () => {
  const checkpoint = await findCheckpoint(
    await saveNetwork(join(temporaryFolder(), 'run'), articleDescription),
  );
  assert.equal(await readUnknown(checkpoint), undefined);
});

const changes: [string, (stored: Record<string, unknown>) => Record<string, unknown> | string, RegExp][] = [
  ['cut off', (one) => JSON.stringify(one).slice(0, 200), /it is not JSON/],
  [
    'that of other weights',
    (one) => ({ ...one, weights: '0'.repeat(64) }),
    /it was fitted for other weights/,
  ],
  ['with too many rows', (one) => ({ ...one, rows: 3 }), /its references have 6 bytes, not 3 x 3/],
  ['with a row that was changed', (one) => ({ ...one, references: 'AwQAgQAB' }), /its checksum differs/],
  ['without a factor', (one) => ({ ...one, doubtFactor: null }), /doubtFactor is not a number/],
  ['with a factor below 0', (one) => ({ ...one, distanceFactor: -1 }), /one of its factors is below 0/],
  ['of a newer version', (one) => ({ ...one, version: 2 }), /version is not one of 1/],
  ['with rows of no length', (one) => ({ ...one, length: 0 }), /length is not a whole number from 1/],
];

for (const [what, change, says] of changes)
  test(`an unknown.json ${what} is refused in one line`, async () => {
    const { checkpoint, file } = await stored();
    const changed = change(JSON.parse(readFileSync(file, 'utf8')));
    writeFileSync(file, typeof changed === 'string' ? changed : JSON.stringify(changed));
    await assertRefused(
      readUnknown(checkpoint),
      /unknown\.json is damaged \(.*\); delete it, then make a new one/,
    );
    await assertRefused(readUnknown(checkpoint), says);
    assert.match((await verifyCheckpoint(checkpoint.folder)).join(), says);
  });
