import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Config,
  defaults,
  flagsFor,
  flagsGiven,
  settingNames,
  settingsInForce,
} from '../../src/config/index.ts';
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

test('priority: flag, environment, config.ts, default', async () => {
  const folder = await folderWith('export default { epochs: 3, batchSize: 4, seed: 5 } as const;');
  const environment = { BATSUP_EPOCHS: '30', BATSUP_BATCH_SIZE: '40' };
  const inForce = await settingsInForce({ epochs: '300' }, { folder, environment });
  assert.deepEqual(inForce.epochs, { value: 300, from: '--epochs' });
  assert.deepEqual(inForce.batchSize, { value: 40, from: 'BATSUP_BATCH_SIZE' });
  assert.deepEqual(inForce.seed, { value: 5, from: 'config.ts' });
  assert.deepEqual(inForce.width, { value: 100, from: 'default' });
});

test('config.ts may use types and import them', async () => {
  const config =
    "import type { Config } from 'bat-sup';\nexport default { width: 64 as number } satisfies Config;";
  const inForce = await settingsInForce({}, { folder: await folderWith(config), environment: {} });
  assert.equal(inForce.width.value, 64);
});

const wrongConfigs: [config: string, message: RegExp][] = [
  [
    'export default { epochs: "many" }',
    /^epochs must be a whole number of at least 1; received "many" \(config\.ts\)\.$/,
  ],
  [
    'export default { epochs: 0 }',
    /^epochs must be a whole number of at least 1; received 0 \(config\.ts\)\.$/,
  ],
  ['export default { batchSize: 2.5 }', /batchSize must be a whole number from 1 to 4096; received 2\.5/],
  ['export default { channels: 4 }', /channels must be 1 \(grey\) or 3 \(colour\); received 4/],
  ['export default { validationSplit: 1 }', /validationSplit must be a number from 0 to 0\.9; received 1/],
  ['export default { learningRate: NaN }', /^learningRate must be .*; received NaN \(/],
  ['export default { learningRate: Infinity }', /received Infinity \(/],
  [
    'export default { epochs: 3n }',
    /^epochs must be a whole number of at least 1; received 3n \(config\.ts\)\.$/,
  ],
  ['export default { seed: -0.5 }', /received -0\.5 \(/],
  ['export default { epochs: [1, 2n, NaN] }', /received \[ 1, 2n, NaN \] \(/],
  ['export default { epochs: () => 3 }', /received \[Function: epochs\] \(/],
  ['export default { epochs: null }', /received null \(/],
  ['export default { fit: "x".repeat(999) }', /^.{1,140}$/],
  ['export default { fit: "squash" }', /fit must be one of fill, cover, contain; received "squash"/],
  ['export default { architecture: "resnet" }', /architecture must be one of article, .*; received "resnet"/],
  ['export default { recipe: "better" }', /recipe must be one of article, best; received "better"/],
  [
    'export default { learningRateSchedule: "linear" }',
    /learningRateSchedule must be one of .*; received "linear"/,
  ],
  ['export default { warmup: -1 }', /warmup must be a number of at least 0; received -1/],
  ['export default { weightDecay: 2 }', /weightDecay must be a number from 0 to 1; received 2/],
  ['export default { clipNorm: -0.1 }', /clipNorm must be a number of at least 0; received -0\.1/],
  ['export default { dropout: 1 }', /dropout must be a number of at least 0 and below 1; received 1/],
  [
    'export default { labelSmoothing: "much" }',
    /labelSmoothing must be a number of at least 0 .*; received "much"/,
  ],
  ['export default { classWeights: "on" }', /classWeights must be one of off, balanced; received "on"/],
  ['export default { ema: 1 }', /ema must be a number of at least 0 and below 1; received 1/],
  [
    'export default { earlyStopping: 1.5 }',
    /earlyStopping must be a whole number of at least 0; received 1\.5/,
  ],
  ['export default { epoch: 3 }', /^config\.ts: there is no setting "epoch"; did you mean epochs\?$/],
  ['export default { lr: 0.1 }', /no setting "lr"; did you mean learningRate\?$/],
  ['export default { batch_size: 8 }', /no setting "batch_size"; did you mean batchSize\?$/],
  ['export default { imgsz: 64 }', /no setting "imgsz"; did you mean width or height\?$/],
  ['export default { erlyStoping: 3 }', /did you mean earlyStopping\?$/],
  ['export default { something: 3 }', /no setting "something"; "bat-sup config" lists all settings\.$/],
  ['export default { constructor: 3 }', /no setting "constructor"/],
  ['export default { toString: 3 }', /no setting "toString"/],
  ['export default { ["__proto__"]: 3 }', /no setting "__proto__"/],
  ['export default { "": 3 }', /no setting ""/],
  ['export default new Map([["epochs", 3]])', /export default/],
  [
    'export default { get epochs() { throw new Error("no disk"); } }',
    /config\.ts cannot be loaded: no disk$/,
  ],
  ['throw null', /config\.ts cannot be loaded: /],
  ['export default 3', /export default/],
  ['export default {', /^config\.ts cannot be loaded: line 1, column \d+: Unexpected token$/],
  [
    'export default {\n  epochs: 3,\n  width = 4,\n};',
    /^config\.ts cannot be loaded: line 3, column 9: Invalid shorthand property initializer$/,
  ],
  [
    'export default { epochs: 3, batchSize 4 }',
    /^config\.ts cannot be loaded: line 1, column 39: Unexpected token, expected ","$/,
  ],
  ['export default { epochs: many }', /^config\.ts cannot be loaded: many is not defined$/],
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
  await assert.rejects(
    settingsInForce({}, options),
    /^Error: learningRate must be a number above 0 and at most 1; received "fast" \(BATSUP_LEARNING_RATE\)\.$/,
  );
});

test('a recipe changes defaults, not explicit settings', async () => {
  const folder = await folderWith("export default { ema: 0, recipe: 'best', pretrained: 'off' } as const;");
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

test('a backbone changes defaults, not explicit settings', async () => {
  const folder = await folderWith('export default { height: 192 };');
  const inForce = await settingsInForce(
    { pretrained: 'efficientnet-lite2', recipe: 'best', epochs: '3' },
    { folder, environment: {} },
  );
  assert.deepEqual(inForce.width, { value: 260, from: 'pretrained efficientnet-lite2' });
  assert.deepEqual(inForce.height, { value: 192, from: 'config.ts' });
  assert.deepEqual(inForce.epochs, { value: 3, from: '--epochs' });
  assert.deepEqual(inForce.learningRate, { value: 0.001, from: 'pretrained efficientnet-lite2' });
  assert.deepEqual(inForce.architecture, { value: 'auto', from: 'recipe best' });
});

test('the best recipe takes a backbone, unless the network is set', async () => {
  const folder = await folderWith();
  const pretrained = async (flags: Config) =>
    (await settingsInForce({ recipe: 'best', ...flags }, { folder, environment: {} })).pretrained;
  assert.deepEqual(await pretrained({}), { value: 'auto', from: 'recipe best' });
  assert.deepEqual(await pretrained({ channels: 3 }), { value: 'auto', from: 'recipe best' });
  assert.deepEqual(await pretrained({ channels: 1 }), { value: 'off', from: '--channels' });
  assert.deepEqual(await pretrained({ width: 64 }), { value: 'off', from: '--width' });
  assert.deepEqual(await pretrained({ architecture: 'deep' }), { value: 'off', from: '--architecture' });
  const named = await pretrained({ width: 64, pretrained: 'efficientnet-lite0' });
  assert.deepEqual(named, { value: 'efficientnet-lite0', from: '--pretrained' });
});

test('a resumed run keeps its network, whatever the recipe is now', async () => {
  const options = { folder: await folderWith(), environment: {}, resumed: { run: 'bats', settings: {} } };
  const { pretrained, width } = await settingsInForce({ recipe: 'best' }, options);
  assert.deepEqual(pretrained, { value: 'off', from: 'bats' });
  assert.deepEqual(width, { value: 100, from: 'default' });
});

const resumed = {
  run: 'checkpoints/bats',
  settings: { epochs: 4, recipe: 'best', ema: 0.98, dropout: 0.5 },
} as const;

test('a resumed run’s settings have priority over config.ts and the environment, but not over flags', async () => {
  const folder = await folderWith('export default { epochs: 9, seed: 5, engine: "cpu" } as const;');
  const environment = { BATSUP_EMA: '0.1', BATSUP_THREADS: '3' };
  const inForce = await settingsInForce({ dropout: '0.1' }, { folder, environment, resumed });
  assert.deepEqual(inForce.epochs, { value: 4, from: 'checkpoints/bats' });
  assert.deepEqual(inForce.ema, { value: 0.98, from: 'checkpoints/bats' });
  assert.deepEqual(inForce.dropout, { value: 0.1, from: '--dropout' });
  // What is not known of the run, and what is the machine's, comes from where it always does.
  assert.deepEqual(inForce.seed, { value: 5, from: 'config.ts' });
  assert.deepEqual(inForce.warmup, { value: 1, from: 'recipe best' });
  assert.deepEqual(inForce.engine, { value: 'cpu', from: 'config.ts' });
  assert.deepEqual(inForce.threads, { value: 3, from: 'BATSUP_THREADS' });
});

test('another recipe changes its settings in a resumed run, but not the network', async () => {
  const folder = await folderWith();
  const settings = { recipe: 'best', ema: 0.98, dropout: 0.5, architecture: 'deep' } as const;
  const run = { folder, environment: {}, resumed: { run: 'bats', settings } };
  const same = await settingsInForce({ recipe: 'best' }, run);
  assert.deepEqual(same.ema, { value: 0.98, from: 'bats' });
  const other = await settingsInForce({ recipe: 'article', warmup: '2' }, run);
  assert.deepEqual(other.ema, { value: 0, from: 'recipe article' });
  assert.deepEqual(other.warmup, { value: 2, from: '--warmup' });
  assert.deepEqual(other.dropout, { value: 0.5, from: 'bats' });
  assert.deepEqual(other.architecture, { value: 'deep', from: 'bats' });
});

test('an invalid value in a run’s record is an error of one line that names the run', async () => {
  const settings = { ema: 7 };
  const options = { folder: await folderWith(), environment: {}, resumed: { run: 'bats', settings } };
  await assert.rejects(settingsInForce({}, options), /^Error: ema must be .*; received 7 \(bats\)\.$/);
});

test('flags of this command are printed for the next one, quoted for the shell', async () => {
  const folder = await folderWith('export default { height: 40 };');
  const environment = { BATSUP_DATA: "it's here" };
  const given = await settingsInForce(
    { width: '32', augmentOperations: 'shift,zoom' },
    { folder, environment },
  );
  assert.deepEqual(flagsGiven(given, settingNames), [
    "--data 'it'\\''s here'",
    '--width 32',
    '--augment-operations shift,zoom',
  ]);
});

test('flags are printed for settings that differ from their recipe’s defaults', () => {
  assert.deepEqual(flagsFor({ ...defaults }), []);
  const settings = { recipe: 'best', ema: 0.99, warmup: 0, epochs: 300, width: 32 } as const;
  assert.deepEqual(flagsFor(settings), ['--width 32', '--recipe best', '--warmup 0']);
  const operations = [{ operation: 'rotate', maxLeft: 5 } as const];
  assert.deepEqual(flagsFor({ augmentOperations: operations }), [
    `--augment-operations '[{"operation":"rotate","maxLeft":5}]'`,
  ]);
});
