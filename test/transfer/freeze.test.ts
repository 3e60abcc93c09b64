/** Which layers --freeze stands for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planArchitecture } from '../../src/models/plan.ts';
import { frozenBy } from '../../src/transfer/freeze.ts';

const layers = planArchitecture('deep', {
  ...{ width: 32, height: 32, channels: 3 },
  classes: ['a', 'b'],
}).layers;
const names = layers.map(({ name }) => name);

test('batch normalisation is frozen with the convolution that it follows', () => {
  assert.deepEqual(frozenBy(['conv2'], layers), ['conv2', 'norm2']);
  assert.deepEqual(frozenBy(['norm2'], layers), ['norm2']);
  assert.deepEqual(frozenBy([], layers), []);
});

test('patterns stand for some layers, and a range for all up to one', () => {
  const convolutions = names.filter((name) => name.startsWith('conv'));
  const norms = names.filter((name) => name.startsWith('norm'));
  assert.deepEqual(new Set(frozenBy(['conv*'], layers)), new Set([...convolutions, ...norms]));
  assert.deepEqual(frozenBy(['..norm2'], layers), names.slice(0, names.indexOf('norm2') + 1));
});

test('a name that no layer has, and nothing that learns, are one line', () => {
  assert.throws(
    () => frozenBy(['conv1', 'layer4.*'], layers),
    /^Error: --freeze names layer4\.\*, but the network has no such layer; its layers are conv1, norm1, .*, logits\.$/,
  );
  assert.throws(
    () => frozenBy(['*'], layers),
    /names all layers, so that nothing can learn; freeze fewer\.$/,
  );
});
