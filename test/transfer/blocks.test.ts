/** Where a network is cut for fine-tuning. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planArchitecture } from '../../src/models/plan.ts';
import { blocksOf, freezeBefore } from '../../src/transfer/blocks.ts';

function layersOf(architecture: string, side: number) {
  const classes = ['a', 'b', 'c'];
  return planArchitecture(architecture, { width: side, height: side, channels: 3, classes }).layers;
}

const firstAndLast = (architecture: string, side: number) =>
  blocksOf(layersOf(architecture, side)).map((block) => `${block[0]?.name}..${block.at(-1)?.name}`);

test('a block of the article’s network is a convolution with its pooling and activation', () => {
  assert.deepEqual(firstAndLast('article', 32), ['conv1..relu1', 'conv2..relu2', 'conv3..logits']);
});

test('a residual block is never cut', () => {
  assert.deepEqual(firstAndLast('residual', 32), [
    'conv1..relu1',
    'conv2..relu3',
    'conv4..relu5',
    'conv6..relu7',
    'conv9..logits',
  ]);
});

test('an inverted residual block is never cut', () => {
  const layers = layersOf('efficientnet-lite0', 64);
  const blocks = blocksOf(layers);
  // The stem with the first block, fifteen more, and the head.
  assert.equal(blocks.length, 17);
  for (const block of blocks.slice(1, -1)) {
    const kinds = block.map(({ kind }) => kind);
    assert.equal(kinds.filter((kind) => kind === 'depthwiseConv').length, 1);
    assert.equal(kinds.filter((kind) => kind === 'conv').length, 2);
  }
  assert.deepEqual(blocks.flat(), layers);
});

test('the last layer and as many blocks as asked for learn', () => {
  const layers = layersOf('article', 32);
  assert.deepEqual(
    freezeBefore(layers, 0).frozen,
    layers.slice(0, -1).map(({ name }) => name),
  );
  const { frozen, depths } = freezeBefore(layers, 1);
  assert.equal(frozen.at(-1), 'relu2');
  assert.deepEqual(
    ['logits/weights', 'fc1/biases', 'conv3/weights', 'conv2/weights'].map((name) => depths.get(name)),
    [0, 1, 1, undefined],
  );
  assert.deepEqual(freezeBefore(layers, 99).frozen, []);
});
