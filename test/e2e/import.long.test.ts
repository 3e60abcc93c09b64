/** What the import of another program's network prints, and what can be done with it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const folder = temporaryFolder();
const fixtures = fileURLToPath(new URL('../formats/onnx/fixtures/preprocessing', import.meta.url));
const importing = (name: string, ...flags: string[]) => cli(folder, 'import', join(fixtures, name), ...flags);

before(() => writeRawData(folder));

test('assumptions about a file are reported, with the flags that change them', async () => {
  const { code, stderr } = await importing('open.onnx');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /the picture size; 100 x 100 is assumed\.\n {2}Set it with --width and --height\./);
  assert.match(stderr, /how pixels are scaled; 0\.\.1 is assumed\.\n.* 0\.\.255, give --scale 1\./);
  assert.match(stderr, /order of the colour channels; RGB is assumed\.\n.* give --order bgr\./);
  for (const line of stderr.split('\n')) assert.ok(line.length <= 80, line);
  const given = ['--width', '40', '--height', '24', '--scale', '1', '--order', 'bgr'];
  const said = await importing('open.onnx', ...given, '--json');
  assert.equal(said.stderr, '');
  const { model, preprocessing } = JSON.parse(said.stdout);
  assert.deepEqual([model.width, model.height], [40, 24]);
  assert.deepEqual(preprocessing, { fit: 'fill', scale: 1, order: 'bgr' });
});

test('integers are pixels, for which only the order is assumed', async () => {
  const { code, stdout, stderr } = await importing('raw.onnx');
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/is assumed/g)?.length, 1);
  assert.match(stdout, /^Input: {3}12 x 16 x 3, rgb, pixels times 1$/m);
});

test('a size that differs from the file’s is refused', async () => {
  const { code, stderr } = await importing('raw.onnx', '--width', '13');
  assert.equal(code, 2);
  assert.match(stderr, /raw\.onnx is for pictures of 12 x 16; leave out --width and --height\.\n$/);
});

test('a network with a mean and a deviation can be trained, used, explained and exported', async () => {
  const steps = [
    ['import', join(fixtures, 'deviations.onnx'), '--classes', 'animal,food,plant', '--run', 'mean'],
    ['predict', 'rawdata', '--checkpoint', 'checkpoints/mean'],
    ['explain', 'rawdata/animal/bat.png', '--checkpoint', 'checkpoints/mean'],
    ['export', '--format', 'onnx', '--checkpoint', 'checkpoints/mean'],
    ['export', '--format', 'onnx', '--checkpoint', 'checkpoints/mean', '--overwrite'],
    ['import', 'model.onnx', '--run', 'back'],
  ];
  for (const step of steps) {
    const { code, stderr } = await cli(folder, ...step);
    assert.equal(code, 0, `${step.join(' ')}: ${stderr}`);
  }
  const answers = async (run: string) =>
    (await cli(folder, 'predict', 'rawdata', '--checkpoint', `checkpoints/${run}`, '--json')).stdout;
  assert.equal(await answers('back'), await answers('mean'));
});
