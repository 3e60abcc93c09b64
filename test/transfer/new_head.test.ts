/** A trained network gets a new last layer, for other classes and another size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { variablesOf } from '../../src/layers/index.ts';
import { planArchitecture } from '../../src/models/plan.ts';
import { ownPreprocessing } from '../../src/models/preprocessing.ts';
import { sizeOf } from '../../src/tensors/shape.ts';
import { withNewHead } from '../../src/transfer/new_head.ts';

const sizes = { width: 32, height: 32, channels: 3, classes: ['a', 'b'] } as const;

function startOf(architecture: 'deep' | 'article') {
  const description = { ...sizes, architecture, classes: [...sizes.classes] };
  const { layers } = planArchitecture(architecture, description);
  const values = layers
    .flatMap(variablesOf)
    .map(({ name, shape }): [string, Float32Array] => [name, new Float32Array(sizeOf(shape))]);
  return {
    description: { ...description, layers },
    weights: new Map(values),
    preprocessing: { fit: 'fill', ...ownPreprocessing } as const,
  };
}

test('all weights but those of the last layer are kept', () => {
  const start = startOf('deep');
  const wanted = { width: 48, height: 40, channels: 3 as const, classes: ['x', 'y', 'z'] };
  const { description, weights } = withNewHead(start, wanted);
  assert.deepEqual(description.classes, wanted.classes);
  const last = description.layers.at(-1);
  assert.deepEqual(last?.outputShape, [3]);
  const left = [...start.weights.keys()].filter((name) => !name.startsWith('logits/'));
  assert.deepEqual([...weights.keys()], left);
  for (const name of left) assert.equal(weights.get(name), start.weights.get(name));
});

test('a network that depends on the size of the pictures is refused at another size', () => {
  const wanted = { ...sizes, classes: ['x', 'y'], width: 64 };
  assert.throws(
    () => withNewHead(startOf('article'), wanted),
    /^Error: The weights of fc1 in .* are for pictures of 32 x 32; use --width 32 --height 32\.$/,
  );
});

test('pictures with other channels are refused', () => {
  const wanted = { ...sizes, classes: ['x', 'y'], channels: 1 as const };
  assert.throws(
    () => withNewHead(startOf('deep'), wanted),
    /^Error: The network to start from reads colour pictures; channels must be 3\.$/,
  );
});

test('a network without a fully connected last layer is refused', () => {
  const start = startOf('deep');
  const description = { ...start.description, layers: start.description.layers.slice(0, -1) };
  assert.throws(
    () => withNewHead({ ...start, description }, { ...sizes, classes: ['x', 'y'] }),
    /^Error: The network to start from ends with average1; it must end with a fully connected layer\.$/,
  );
});
