import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { settingsInForce } from '../../src/config/index.ts';
import { UsageError } from '../../src/errors.ts';
import { temporaryFolder } from '../helpers/folder.ts';

async function folderWith(config?: string): Promise<string> {
  const folder = temporaryFolder();
  if (config !== undefined) await writeFile(join(folder, 'config.ts'), config);
  return folder;
}

test('without a config.ts the defaults are the article’s', async () => {
  const inForce = await settingsInForce({}, { folder: await folderWith(), environment: {} });
  const article = {
    rawData: 'rawdata',
    data: 'data',
    checkpoints: 'checkpoints',
    width: 100,
    height: 100,
    channels: 3,
    epochs: 300,
    batchSize: 10,
    keepCheckpoints: 4,
    learningRate: 0.001,
    augmentTarget: 3810,
  };
  for (const [name, value] of Object.entries(article)) {
    assert.deepEqual(inForce[name as keyof typeof article], { value, from: 'default' });
  }
});

test('a flag goes before the environment, the environment before config.ts, config.ts before the default', async () => {
  const folder = await folderWith('export default { epochs: 3, batchSize: 4, seed: 5 } as const;');
  const environment = { BATSUP_EPOCHS: '30', BATSUP_BATCH_SIZE: '40' };
  const inForce = await settingsInForce({ epochs: '300' }, { folder, environment });
  assert.deepEqual(inForce.epochs, { value: 300, from: '--epochs' });
  assert.deepEqual(inForce.batchSize, { value: 40, from: 'BATSUP_BATCH_SIZE' });
  assert.deepEqual(inForce.seed, { value: 5, from: 'config.ts' });
  assert.deepEqual(inForce.width, { value: 100, from: 'default' });
});

test('config.ts may use types and imports of types', async () => {
  const config =
    "import type { Config } from 'bat-sup';\nexport default { width: 64 as number } satisfies Config;";
  const inForce = await settingsInForce({}, { folder: await folderWith(config), environment: {} });
  assert.equal(inForce.width.value, 64);
});

const wrongConfigs: [config: string, message: RegExp][] = [
  ['export default { epochs: "many" }', /config\.ts: epochs is "many"; allowed is a whole number, 1 or more/],
  ['export default { epochs: 0 }', /epochs is 0/],
  ['export default { batchSize: 2.5 }', /batchSize is 2\.5/],
  ['export default { channels: 4 }', /channels is 4; allowed is 1 \(grey\) or 3 \(colour\)/],
  ['export default { validationSplit: 1 }', /validationSplit is 1; allowed is a number from 0 to 0\.9/],
  ['export default { learningRate: NaN }', /learningRate/],
  ['export default { fit: "squash" }', /fit is "squash"; allowed is one of fill, cover, contain/],
  ['export default { architecture: "resnet" }', /architecture is "resnet"; allowed is one of article/],
  ['export default { recipe: "better" }', /recipe is "better"; allowed is one of article, best/],
  [
    'export default { learningRateSchedule: "linear" }',
    /learningRateSchedule is "linear"; allowed is one of/,
  ],
  ['export default { warmup: -1 }', /warmup is -1; allowed is a number, 0 or more/],
  ['export default { weightDecay: 2 }', /weightDecay is 2; allowed is a number from 0 to 1/],
  ['export default { clipNorm: -0.1 }', /clipNorm is -0\.1; allowed is a number, 0 or more/],
  ['export default { dropout: 1 }', /dropout is 1; allowed is a number from 0 to below 1/],
  ['export default { labelSmoothing: "much" }', /labelSmoothing is "much"; allowed is a number from 0/],
  ['export default { classWeights: "on" }', /classWeights is "on"; allowed is one of off, balanced/],
  ['export default { ema: 1 }', /ema is 1; allowed is a number from 0 to below 1/],
  ['export default { earlyStopping: 1.5 }', /earlyStopping is 1\.5; allowed is a whole number, 0 or more/],
  ['export default { epoch: 3 }', /no setting "epoch"/],
  ['export default 3', /export default/],
  ['export default {', /config\.ts cannot be loaded/],
];

for (const [config, message] of wrongConfigs) {
  test(`wrong config is one clear line: ${config}`, async () => {
    const folder = await folderWith(config);
    await assert.rejects(settingsInForce({}, { folder, environment: {} }), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  });
}

test('a wrong environment variable is named', async () => {
  const options = { folder: await folderWith(), environment: { BATSUP_LEARNING_RATE: 'fast' } };
  await assert.rejects(settingsInForce({}, options), /BATSUP_LEARNING_RATE: learningRate is "fast"/);
});

test('a recipe changes defaults, and whatever is set explicitly stays', async () => {
  const folder = await folderWith("export default { ema: 0, recipe: 'best' } as const;");
  const environment = { BATSUP_BATCH_SIZE: '40' };
  const inForce = await settingsInForce({ labelSmoothing: '0.2' }, { folder, environment });
  assert.deepEqual(inForce.recipe, { value: 'best', from: 'config.ts' });
  assert.deepEqual(inForce.learningRateSchedule, { value: 'cosine', from: 'recipe best' });
  assert.deepEqual(inForce.ema, { value: 0, from: 'config.ts' });
  assert.deepEqual(inForce.batchSize, { value: 40, from: 'BATSUP_BATCH_SIZE' });
  assert.deepEqual(inForce.labelSmoothing, { value: 0.2, from: '--label-smoothing' });
  assert.deepEqual(inForce.width, { value: 100, from: 'default' });
  const article = await settingsInForce({ recipe: 'article' }, { folder, environment: {} });
  assert.deepEqual(article.learningRateSchedule, { value: 'constant', from: 'default' });
});
