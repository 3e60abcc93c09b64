import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCalibration, saveCalibration } from '../../src/checkpoints/index.ts';
import { UserError } from '../../src/errors.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assertRefused } from '../helpers/refused.ts';

test('a stored calibration is read back, and replaces the one before', async () => {
  const folder = temporaryFolder();
  assert.equal(await readCalibration(folder), undefined);
  await saveCalibration(folder, { temperature: 2, pictures: 9 });
  await saveCalibration(folder, { temperature: 1.5, pictures: 10 });
  const stored = await readCalibration(folder);
  assert.equal(stored?.temperature, 1.5);
  assert.equal(stored?.pictures, 10);
  assert.deepEqual(readdirSync(folder), ['calibration.json']);
});

for (const content of [
  '',
  '{"format": "bat-sup cal',
  'null',
  '{"format":"bat-sup calibration","version":1,"temperature":0}',
  '{"format":"bat-sup calibration","version":1,"temperature":"2"}',
  '{"format":"bat-sup calibration","version":2,"temperature":2}',
]) {
  test(`a calibration.json of ${content || 'nothing'} is refused`, async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'calibration.json'), content);
    await assertRefused(readCalibration(folder), /calibration\.json is damaged; delete it/);
  });
}

test('a missing folder cannot be calibrated', async () => {
  const folder = join(temporaryFolder(), 'none');
  await assert.rejects(saveCalibration(folder, { temperature: 2, pictures: 9 }), UserError);
});
