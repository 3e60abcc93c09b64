import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../../src/errors.ts';
import type { ImportHints } from '../../../src/formats/format.ts';
import { readStateDict } from '../../../src/formats/state_dict/read.ts';
import type { StateDict } from '../../../src/formats/state_dict/state_dict.ts';
import { sizeOf } from '../../../src/tensors/shape.ts';
import { liteShapes, norm, resnetShapes, type Shapes } from '../../helpers/state_shapes.ts';

/** A state_dict of these shapes, all of whose values are 0.5. */
function stateOf(shapes: Shapes): StateDict {
  const tensors = Object.entries(shapes).map(
    ([name, shape]) =>
      [name, { shape, read: () => ({ shape, values: new Float32Array(sizeOf(shape)).fill(0.5) }) }] as const,
  );
  return new Map(tensors);
}

const prefixed = (prefix: string, shapes: Shapes): Shapes =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [prefix + name, shape]));

const without = (shapes: Shapes, ...names: string[]): Shapes =>
  Object.fromEntries(Object.entries(shapes).filter(([name]) => !names.includes(name)));

const read = (shapes: Shapes, hints: ImportHints = {}) =>
  readStateDict(stateOf(shapes), 'net.pth', hints, 1e6);

function assertRefused(shapes: Shapes, message: RegExp, hints: ImportHints = {}): void {
  assert.throws(
    () => read(shapes, hints),
    (error) => {
      assert.ok(error instanceof UserError, (error as Error).stack);
      assert.match(error.message, /^net\.pth cannot be imported: [^\n]*\.$/);
      assert.match(error.message, message);
      return true;
    },
  );
}

test('what the file does not say is the convention, and is listed', () => {
  const { model, preprocessing, assumed, notes } = read(resnetShapes());
  assert.deepEqual([model.width, model.height, model.channels], [224, 224, 3]);
  assert.deepEqual(preprocessing, {
    fit: 'cover',
    crop: 0.875,
    filter: 'bilinear',
    scale: 1 / 255,
    mean: [0.485, 0.456, 0.406],
    deviation: [0.229, 0.224, 0.225],
  });
  assert.deepEqual(assumed, ['size', 'preparation']);
  assert.deepEqual(notes, []);
});

test('what the user says of scale, mean and deviation replaces all of the convention', () => {
  const { preprocessing, assumed } = read(resnetShapes(), { mean: [0.5], width: 96, height: 64 });
  assert.equal(preprocessing.scale, 1 / 255);
  assert.deepEqual(preprocessing.mean, [0.5, 0.5, 0.5]);
  assert.equal(preprocessing.deviation, undefined);
  assert.ok(assumed?.includes('order') && !assumed.includes('preparation'));
});

test('the size is that of the EfficientNet-Lite, whose crop follows from it', () => {
  const shapes = liteShapes();
  // The blocks and the narrower third stage of Lite 1.
  const more = Array.from({ length: 14 }, (_, index) => {
    const from = Object.entries(liteShapes()).filter(([name]) => name.startsWith('blocks.4.0.'));
    return Object.fromEntries(from.map(([name, shape]) => [name.replace('4.0', `4.${index + 1}`), shape]));
  });
  const { model, preprocessing } = read(Object.assign(shapes, ...more), {
    networkName: 'tf_efficientnet_lite1',
  });
  assert.deepEqual([model.width, model.height], [240, 240]);
  assert.equal(preprocessing.crop, 240 / 272);
  assert.deepEqual(preprocessing.mean, [0.5, 0.5, 0.5]);
});

test('a tensor that is missing is named, with those that nothing reads where it is in the head', () => {
  const shapes = resnetShapes();
  assertRefused(without(shapes, 'layer3.0.bn2.running_var'), /"layer3\.0\.bn2\.running_var" is missing/);
  const features = without(shapes, 'fc.weight', 'fc.bias');
  assertRefused(features, /"fc\.weight" is missing, and nothing reads another tensor/);
  assertRefused(
    { ...features, 'head.weight': [3, 4] },
    /"fc\.weight" is missing, and nothing reads "head\.weight"/,
  );
});

test('tensors that no layer reads are named', () => {
  const extra = Object.fromEntries([1, 2, 3, 4, 5, 6].map((number) => [`se${number}.weight`, [4]]));
  assertRefused(
    { ...resnetShapes(), ...extra },
    /its other tensors fit, but nothing reads "se1\.weight", "se2\.weight", "se3\.weight", "se4\.weight" and 2 more/,
  );
  // A deep stem, whose other convolutions have other names.
  assertRefused(
    { ...without(resnetShapes(), 'conv1.weight'), 'conv1.0.weight': [4, 3, 3, 3] },
    /"conv1\.weight" is missing/,
  );
});

test('tensors of other shapes are named with the shape', () => {
  const shapes = resnetShapes();
  const refused: [Shapes, RegExp][] = [
    [
      { 'conv1.weight': [4, 3, 3, 3] },
      /"conv1\.weight" has the shape \[4,3,3,3\]; a kernel of 7 x 7 was expected/,
    ],
    [{ 'conv1.weight': [4, 2, 7, 7] }, /has the input shape \[224,224,2\]/],
    [{ 'bn1.weight': [5] }, /"bn1\.weight" has the shape \[5\]; \[4\] was expected/],
    [{ 'bn1.weight': [4, 1] }, /"bn1\.weight" has the shape \[4,1\]/],
    [{ 'fc.weight': [3, 4, 1, 1] }, /"fc\.weight" has the shape \[3,4,1,1\]; two axes were expected/],
    [{ 'fc.weight': [3, 5] }, /fc needs 5 features, but its input is \[4\]/],
    [{ 'fc.weight': [1, 4], 'fc.bias': [1] }, /has one output; bat-sup needs one for each of two or more/],
    [
      { 'layer2.0.conv1.weight': [4, 3, 3, 3] },
      /"layer2\.0\.conv1\.weight" has kernels for 3 channels, but its input has 4/,
    ],
  ];
  for (const [change, message] of refused) assertRefused({ ...shapes, ...change }, message);
  const wrongGrowth = { 'blocks.2.0.conv_pw.weight': [6, 2, 1, 1], ...norm('blocks.2.0.bn1', 6) };
  assertRefused(
    { ...liteShapes(), ...wrongGrowth },
    /"blocks\.2\.0\.conv_pw\.weight" has 6 channels for 2; 6 times as many were expected/,
    { networkName: 'efficientnet_lite0' },
  );
});

test('a head of several layers is refused, whose activations the names do not tell', () => {
  const shapes = without(resnetShapes(), 'fc.weight', 'fc.bias');
  assertRefused(
    { ...shapes, 'fc.0.weight': [8, 4], 'fc.0.bias': [8], 'fc.2.weight': [3, 8], 'fc.2.bias': [3] },
    /"fc\.0\.weight" is not the only layer of the head, which has "fc\.2\.weight" too; export the network as ONNX/,
  );
});

test('a prefix is left out, and two networks are not chosen from', () => {
  for (const prefix of ['model.', 'backbone.', 'module._orig_mod.', 'net.encoder.'])
    assert.equal(read(prefixed(prefix, resnetShapes(7))).model.classes.length, 7, prefix);
  assertRefused(
    { ...prefixed('student.', resnetShapes()), ...prefixed('teacher.', resnetShapes()) },
    /it holds 2 networks, whose names begin with "student\.", "teacher\."; save the state_dict of one/,
  );
  // A head of its own after a whole network: leaving it out would give the classes of another data set.
  assertRefused(
    { ...prefixed('extractor.', resnetShapes()), 'classifier.weight': [2, 3], 'classifier.bias': [2] },
    /nothing reads "classifier\.weight", "classifier\.bias"/,
  );
});

test('the moving average is chosen, and said to be', () => {
  const { model, notes } = read({
    ...prefixed('model.', resnetShapes(5)),
    ...prefixed('model_ema.module.', resnetShapes(6)),
    'model_ema.n_averaged': [],
  });
  assert.equal(model.classes.length, 6);
  assert.deepEqual(notes, [
    'The moving average of the weights, "model_ema.module.", is imported, not "model.".',
  ]);
});

test('weights of a loss are left out, and said to be', () => {
  const { notes } = read({ ...prefixed('model.', resnetShapes()), 'criterion.weight': [3] });
  assert.deepEqual(notes, ['Nothing reads "criterion.weight", which belongs to training.']);
});

test('names that fit two networks which answer differently are refused until one is named', () => {
  assertRefused(
    liteShapes(),
    /those of timm’s efficientnet_lite, or timm’s tf_efficientnet_lite, which answer differently; say which with --network/,
  );
  const padding = (networkName: string) =>
    read(liteShapes(), { networkName }).layers.filter(({ kind }) => kind === 'zeroPadding').length;
  assert.ok(padding('efficientnet_lite0') > 0);
  assert.equal(padding('tf_efficientnet_lite0'), 0);
  assertRefused(liteShapes(), /not of "resnet50"/, { networkName: 'resnet50' });
  assertRefused(resnetShapes(), /those of a ResNet of torchvision or timm, not of "resnetaa50"/, {
    networkName: 'resnetaa50',
  });
});

test('kernels tell MobileNetV2 from EfficientNet-Lite, and MNASNet from both', () => {
  assert.equal(read(liteShapes([3, 3, 3, 3, 3, 3, 3])).model.classes.length, 3);
  assertRefused(
    liteShapes([3, 3, 5, 5, 3, 5, 3]),
    /"blocks\.3\.0\.conv_dw\.weight" has the shape \[12,1,5,5\]; a kernel of 3 x 3 was expected/,
    { networkName: 'efficientnet_lite0' },
  );
});

test('names of no known network are shown', () => {
  assertRefused(
    { 'features.0.weight': [4, 3, 11, 11], 'features.0.bias': [4] },
    /the names of its tensors, such as "features\.0\.weight", "features\.0\.bias", tell no architecture .*; export the network as ONNX/,
  );
});

test('no more numbers are read than the file can have', () => {
  const shapes = { ...resnetShapes(), 'conv1.weight': [2 ** 30, 3, 7, 7] };
  const refused =
    /"conv1\.weight" has the shape \[1073741824,3,7,7\]; with it the tensors have more numbers than the file/;
  assertRefused(shapes, refused);
});

test('grey pictures have no convention, so that their scale is assumed', () => {
  const { preprocessing, assumed } = read({ ...resnetShapes(), 'conv1.weight': [4, 1, 7, 7] });
  assert.equal(preprocessing.mean, undefined);
  assert.deepEqual(assumed, ['size', 'scale']);
});
