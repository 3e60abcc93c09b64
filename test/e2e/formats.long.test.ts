/** A network trained by the real command, exported, imported, and trained on. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const folder = temporaryFolder();
const small = ['--width', '24', '--height', '24', '--batch-size', '8', '--seed', '3'];
const files = {
  'tf-checkpoint': 'tf-checkpoint',
  'saved-model': 'saved-model',
  tfjs: 'tfjs/model.json',
  keras: 'model.keras',
  onnx: 'model.onnx',
  safetensors: 'model.safetensors',
};

before(async () => {
  await writeRawData(folder);
  const { code, stderr } = await cli(folder, 'train', '--epochs', '1', ...small);
  assert.equal(code, 0, stderr);
});

/** Each picture's line: what the network says, and how sure it is. */
async function answersOf(run: string): Promise<string> {
  const { code, stdout, stderr } = await cli(folder, 'predict', 'rawdata', '--checkpoint', run, '--json');
  assert.equal(code, 0, stderr);
  return stdout;
}

for (const [format, file] of Object.entries(files)) {
  test(`${format} is exported, imported and predicts the same`, async () => {
    const exported = await cli(folder, 'export', '--format', format);
    assert.equal(exported.code, 0, exported.stderr);
    assert.ok(existsSync(join(folder, file)));
    const imported = await cli(
      folder,
      'import',
      file,
      '--run',
      format,
      '--width',
      '24',
      '--height',
      '24',
      '--json',
    );
    assert.equal(imported.code, 0, imported.stderr);
    const { model } = JSON.parse(imported.stdout);
    assert.deepEqual(model.classes, ['animal', 'food']);
    assert.equal(await answersOf(`checkpoints/${format}`), await answersOf('checkpoints/run-001'));
  });
}

test('weights of fewer bits make smaller files, and their cost is reported', async () => {
  const bytes = new Map<string, number>();
  for (const weights of ['float32', 'float16', 'int8']) {
    const output = `${weights}.onnx`;
    const exported = await cli(
      folder,
      ...['export', '--format', 'onnx', '--weights', weights, '--output', output, '--json'],
      ...['--checkpoint', 'checkpoints/run-001'],
    );
    assert.equal(exported.code, 0, exported.stderr);
    const { files: written, loss } = JSON.parse(exported.stdout);
    bytes.set(weights, written[0].bytes);
    if (weights === 'float32') assert.equal(loss, undefined);
    else {
      assert.ok(loss.pictures > 0);
      assert.ok(Math.abs(loss.accuracyBefore - loss.accuracyAfter) * loss.pictures <= loss.changed + 1e-9);
    }
  }
  assert.ok((bytes.get('float16') as number) < 0.51 * (bytes.get('float32') as number));
  assert.ok((bytes.get('int8') as number) < 0.26 * (bytes.get('float32') as number));
});

test('LiteRT’s files are written, though not imported', async () => {
  const { code, stderr } = await cli(
    folder,
    ...['export', '--format', 'tflite', '--checkpoint', 'checkpoints/run-001'],
  );
  assert.equal(code, 0, stderr);
});

test('training continues from an imported network', async () => {
  const { code, stdout, stderr } = await cli(
    folder,
    ...['train', '--resume', '--run', 'onnx', '--epochs', '2', '--json', ...small],
  );
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).epochs, 2);
});

test('a PyTorch network can be imported, trained, used, explained and exported', async () => {
  const source = fileURLToPath(new URL('../formats/onnx/fixtures/old-residual.onnx', import.meta.url));
  const three = temporaryFolder();
  await writeRawData(three);
  mkdirSync(join(three, 'rawdata', 'plant'));
  for (const icon of readdirSync(join(three, 'rawdata', 'food')).slice(0, 4))
    renameSync(join(three, 'rawdata', 'food', icon), join(three, 'rawdata', 'plant', icon));
  const run = ['--run', 'torch'];
  const steps = [
    ['import', source, '--classes', 'animal,food,plant', ...run],
    ['train', '--resume', ...run, '--epochs', '1', '--width', '32', '--height', '32', '--batch-size', '4'],
    ['predict', 'rawdata/animal', '--checkpoint', 'checkpoints/torch'],
    ['explain', 'rawdata/animal/bat.png', '--checkpoint', 'checkpoints/torch'],
    ['export', '--format', 'keras', '--checkpoint', 'checkpoints/torch'],
    ['import', 'model.keras', '--run', 'back'],
  ];
  for (const step of steps) {
    const { code, stderr } = await cli(three, ...step);
    assert.equal(code, 0, `${step.join(' ')}: ${stderr}`);
  }
});

const refused: [args: string[], code: number, says: RegExp][] = [
  [
    ['export', '--format', 'keras', '--weights', 'int8', '--output', 'x.keras'],
    2,
    /keras stores weights as float32/,
  ],
  [
    ['export', '--format', 'safetensors', '--preprocessing', 'outside', '--output', 'x'],
    2,
    /does not support --preprocessing/,
  ],
  [['export', '--format', 'onnx'], 1, /model\.onnx already exists; replace it with --overwrite/],
  // Where Node's own making of folders never ends.
  [['export', '--format', 'saved-model', '--output', '/proc/x/y'], 1, /\/proc\/x\/y cannot be written/],
  [['import', 'model.tflite'], 1, /bat-sup cannot import tflite; it imports tf-checkpoint, /],
  [['import', 'model.onnx', '--classes', 'a,b,c'], 1, /has 2 classes, but --classes names 3/],
];
for (const [args, expected, says] of refused) {
  test(`bat-sup ${args.join(' ')} is refused`, async () => {
    const { code, stderr } = await cli(folder, ...args);
    assert.equal(code, expected, stderr);
    assert.match(stderr, says);
    assert.equal(stderr.trim().split('\n').length, 1);
  });
}
