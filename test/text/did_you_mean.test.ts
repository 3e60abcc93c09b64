import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingNames } from '../../src/config/index.ts';
import { didYouMean, wordsMeant } from '../../src/text/did_you_mean.ts';

const flags = ['--epochs', '--learning-rate', '--width', '--height', '--run', '--seed', '--verbose'];

for (const [word, meant] of [
  ['--lr', ['--learning-rate']],
  ['--learning_rate', ['--learning-rate']],
  ['--learningRate', ['--learning-rate']],
  ['--imgsz', ['--width', '--height']],
  ['--img-size', ['--width', '--height']],
  ['--epoch', ['--epochs']],
  ['--eopchs', ['--epochs']],
  ['--sede', ['--seed']],
  ['-v', ['--verbose']],
  ['--x', []],
  ['--batch', []],
  ['--constructor', []],
  ['--', []],
] as const) {
  test(`${word} means ${meant.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(wordsMeant(word, flags), meant);
  });
}

test('the names that other tools use suggest our settings', () => {
  for (const [word, ours] of [
    ['lr', 'learningRate'],
    ['batch', 'batchSize'],
    ['batch_size', 'batchSize'],
    ['patience', 'earlyStopping'],
    ['val_split', 'validationSplit'],
    ['device', 'engine'],
    ['weight-decay', 'weightDecay'],
    ['num_workers', 'workers'],
    ['model', 'architecture or from'],
  ] as const)
    assert.equal(didYouMean(word, settingNames), `; did you mean ${ours}?`);
  assert.equal(didYouMean('something', settingNames), '');
});
