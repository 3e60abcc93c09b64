import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { betterRun, type CheckpointInfo, saveCheckpoint } from '../../src/checkpoints/index.ts';
import { checkpointPlace } from '../../src/cli/chosen_checkpoint.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** Saves a run's only checkpoint. @returns its folder. */
async function save(checkpoints: string, name: string, validationAccuracy?: number): Promise<string> {
  const info: CheckpointInfo = {
    model: { architecture: 'article', width: 8, height: 8, channels: 3, classes: ['bat', 'sup'] },
    preprocessing: { fit: 'fill', scale: 1 / 255 },
    training: { seed: 1, batchSize: 10, learningRate: 0.001, validationSplit: 0.2, dataset: '' },
    position: { step: 1, epoch: 1, batch: 0, lossSum: 0, correct: 0 },
    metrics: validationAccuracy === undefined ? {} : { validationAccuracy },
  };
  await saveCheckpoint(join(checkpoints, name), info, { weights: [], optimizer: [] });
  return join(checkpoints, name, 'checkpoint-00000001');
}

test('a run that was better than the one in use is named', async () => {
  const checkpoints = temporaryFolder();
  const first = await save(checkpoints, 'run-001', 0.9);
  const second = await save(checkpoints, 'run-002', 0.8);
  const unknown = await save(checkpoints, 'run-003');
  const better = { name: 'run-001', accuracy: 0.9, here: 0.8, isMultiLabel: false };
  assert.deepEqual(await betterRun(checkpoints, second), better);
  assert.equal(await betterRun(checkpoints, first), undefined);
  // Without validation, and where a run was chosen, there is nothing to say.
  assert.equal(await betterRun(checkpoints, unknown), undefined);
  assert.equal(await betterRun(join(checkpoints, 'run-002'), second), undefined);
});

test('--checkpoint takes a path or the name of a run', () => {
  const checkpoints = temporaryFolder();
  mkdirSync(join(checkpoints, 'run-001'));
  assert.equal(checkpointPlace(undefined, checkpoints), checkpoints);
  assert.equal(checkpointPlace('run-001', checkpoints), join(checkpoints, 'run-001'));
  assert.equal(checkpointPlace(checkpoints, 'elsewhere'), checkpoints);
  assert.equal(checkpointPlace('nowhere', checkpoints), 'nowhere');
});
