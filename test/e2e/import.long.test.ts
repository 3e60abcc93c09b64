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
  assert.match(stderr, /how pixels are scaled; 0\.\.1 is assumed\.\n.* 0\.\.255, import it with --scale 1\./);
  assert.match(stderr, /order of the colour channels; RGB is assumed\.\n.* import it with --order bgr\./);
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

test('how pixels are normalised can be given, and is not done twice without a word', async () => {
  const imageNet = ['--mean', '0.485,0.456,0.406', '--deviation', '0.229,0.224,0.225', '--order', 'rgb'];
  const fitting = ['--fit', 'cover', '--crop', '0.875', '--filter', 'bilinear'];
  const scale = ['--scale', String(1 / 255)];
  const outside = await importing('external.onnx', ...imageNet, ...fitting, ...scale, '--json');
  assert.equal(outside.stderr, '');
  assert.deepEqual(JSON.parse(outside.stdout).preprocessing, {
    ...{ fit: 'cover', scale: 1 / 255 },
    ...{ mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
    ...{ crop: 0.875, filter: 'bilinear', order: 'rgb' },
  });
  const inside = await importing('deviations.onnx', ...imageNet, ...scale);
  assert.match(inside.stderr, /scales and shifts its input, after --mean and --deviation\./);
  const one = await importing('external.onnx', '--mean', '127', '--deviation', '128', '--scale', '1');
  assert.doesNotMatch(one.stderr, /--mean/);
  assert.match(one.stdout, /pixels times 1, minus 127 127 127, divided by 128 128 128$/m);
});

for (const [flag, value, says] of [
  ['--mean', '1,2', '1 or 3 numbers separated by commas; received "1,2"'],
  ['--mean', '1,,2', '1 or 3 numbers separated by commas; received "1,,2"'],
  ['--deviation', '0', '1 or 3 numbers other than 0 separated by commas; received "0"'],
  ['--crop', '1.5', 'a number above 0 and at most 1; received "1.5"'],
  ['--filter', 'nearest', 'one of lanczos3, bicubic, bilinear; received "nearest"'],
] as const)
  test(`import ${flag} ${value} is refused in one line`, async () => {
    const { code, stderr } = await importing('external.onnx', flag, value);
    assert.equal(code, 2);
    assert.ok(stderr.includes(says), stderr);
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
