import assert from 'node:assert/strict';
import { test } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { stagesFor } from '../../src/models/growth.ts';
import { type ArchitectureName, resolveArchitecture } from '../../src/models/index.ts';
import { createModel, type ModelOptions } from '../../src/models/model.ts';

function modelOf(
  architecture: ArchitectureName,
  side: number,
  classCount: number,
  options: ModelOptions = {},
) {
  const classes = Array.from({ length: classCount }, (_, index) => `class ${index}`);
  const description = { architecture, width: side, height: side, channels: 3, classes } as const;
  return createModel({ ...description, classes }, options);
}

test('levels halve the maps to about six pixels', () => {
  const levels = [8, 24, 48, 64, 100, 224, 1000].map((side) => stagesFor(side, 1000));
  assert.deepEqual(levels, [2, 2, 3, 3, 4, 5, 5]);
});

test('networks grow with the classes and with the pictures', async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  for (const architecture of ['deep', 'residual'] as const) {
    const parameters = (side: number, classes: number) => {
      const model = modelOf(architecture, side, classes);
      const [few, many] = [model.variables, model.state].map((variables) =>
        [...variables.values()].reduce((sum, { size }) => sum + size, 0),
      ) as [number, number];
      model.dispose();
      return few + many;
    };
    const sizes = [parameters(24, 10), parameters(24, 11), parameters(24, 101)];
    assert.deepEqual(
      sizes,
      [...sizes].sort((a, b) => a - b),
    );
    assert.ok(parameters(48, 10) > parameters(24, 10));
  }
});

test('a stored network stays as wide as it was made', async () => {
  await tf.setBackend('cpu');
  for (const architecture of ['deep', 'residual'] as const) {
    const widthsOf = (restored = new Map<string, Float32Array>()) => {
      const model = modelOf(architecture, 12, 2, { restored });
      const widths = ['conv1', 'conv2'].map((name) => model.variables.get(`${name}/weights`)?.shape.at(-1));
      model.dispose();
      return widths;
    };
    assert.deepEqual(widthsOf(), [32, 32]);
    assert.deepEqual(widthsOf(new Map([['conv1/weights', new Float32Array(3 * 3 * 3 * 16)]])), [16, 16]);
  }
});

test('a residual network reads what it adds', async () => {
  await tf.setBackend('cpu');
  const model = modelOf('residual', 12, 2);
  const inputs = Object.fromEntries(model.layers.map((layer) => [layer.name, layer.inputs]));
  assert.deepEqual(inputs.add1, ['norm3', 'relu1']);
  // The first block of the second level: its shortcut is a convolution of its own.
  assert.deepEqual(inputs.add3, ['norm8', 'norm6']);
  assert.deepEqual(inputs.conv6, inputs.conv7);
  model.dispose();
});

test('dropout is a layer of learning alone', async () => {
  await tf.setBackend('cpu');
  for (const architecture of ['article', 'deep', 'residual'] as const) {
    const [without, withDropout] = [
      modelOf(architecture, 12, 2),
      modelOf(architecture, 12, 2, { dropout: 0.5 }),
    ];
    assert.ok(!without.layers.some(({ kind }) => kind === 'dropout'));
    assert.equal(withDropout.layers.at(-2)?.kind, 'dropout');
    const pictures = tf.ones([1, 12, 12, 3]) as tf.Tensor4D;
    assert.deepEqual(withDropout.forward(pictures).dataSync(), without.forward(pictures).dataSync());
    const learning = withDropout.forward(pictures, undefined, { step: 1 }).dataSync();
    assert.notDeepEqual(learning, without.forward(pictures, undefined, { step: 1 }).dataSync());
  }
});

test('auto chooses by the classes and the size', () => {
  const choose = (classes: number, side: number) =>
    resolveArchitecture('auto', { classes, width: 2 * side, height: side });
  assert.deepEqual(
    [choose(2, 100), choose(49, 100), choose(50, 100), choose(100, 24)],
    ['deep', 'deep', 'residual', 'deep'],
  );
  assert.equal(resolveArchitecture('article', { classes: 100, width: 100, height: 100 }), 'article');
});
