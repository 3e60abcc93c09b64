/** Where a network is cut for fine-tuning. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LayerSummary } from '../../src/layers/index.ts';
import { planArchitecture } from '../../src/models/plan.ts';
import { blocksOf, freezeBefore } from '../../src/transfer/blocks.ts';

function layersOf(architecture: string, side: number) {
  const classes = ['a', 'b', 'c'];
  return planArchitecture(architecture, { width: side, height: side, channels: 3, classes }).layers;
}

const firstAndLast = (architecture: string, side: number) =>
  blocksOf(layersOf(architecture, side)).map((block) => `${block[0]?.name}..${block.at(-1)?.name}`);

test('a block of the article’s network is a convolution with its pooling and activation', () => {
  assert.deepEqual(firstAndLast('article', 32), [
    'conv1..relu1',
    'conv2..relu2',
    'conv3..flatten',
    'fc1..relu4',
    'logits..logits',
  ]);
});

test('a residual block is never cut', () => {
  assert.deepEqual(firstAndLast('residual', 32), [
    'conv1..relu1',
    'conv2..relu3',
    'conv4..relu5',
    'conv6..relu7',
    'conv9..average1',
    'logits..logits',
  ]);
});

test('an inverted residual block is never cut', () => {
  const layers = layersOf('efficientnet-lite0', 64);
  const blocks = blocksOf(layers.slice(0, -1));
  // The stem with the first block, fifteen more, and the head.
  assert.equal(blocks.length, 17);
  for (const block of blocks.slice(1, -1)) {
    const kinds = block.map(({ kind }) => kind);
    assert.equal(kinds.filter((kind) => kind === 'depthwiseConv').length, 1);
    assert.equal(kinds.filter((kind) => kind === 'conv').length, 2);
  }
  assert.deepEqual(blocks.flat(), layers.slice(0, -1));
});

test('the last layer and as many blocks as asked for learn', () => {
  const layers = layersOf('article', 32);
  assert.deepEqual(
    freezeBefore(layers, 1, 0).frozen,
    layers.slice(0, -1).map(({ name }) => name),
  );
  const { frozen, depths } = freezeBefore(layers, 1, 1);
  assert.equal(frozen.at(-1), 'flatten');
  assert.deepEqual(
    ['logits/weights', 'fc1/biases', 'conv3/weights'].map((name) => depths.get(name)),
    [0, 1, undefined],
  );
  assert.deepEqual(freezeBefore(layers, 1, 99).frozen, []);
});

/** Layers written as 'conv', or 'concat reads the first and the third': names are their numbers. */
function chain(...kinds: (string | [kind: string, ...inputs: number[]])[]): LayerSummary[] {
  return kinds.map((one, index) => {
    const [kind, ...inputs] = Array.isArray(one) ? one : [one, ...(index === 0 ? [] : [index - 1])];
    return {
      ...{ kind, name: String(index), inputs: inputs.map(String), attributes: {} },
      ...{ inputShape: [], outputShape: [], variables: [] },
    };
  });
}

const sizesOf = (layers: LayerSummary[]) => blocksOf(layers).map(({ length }) => length);

test('a block with squeeze and excitation is never cut, with or without a sum', () => {
  const stem = ['conv', 'batchNorm', 'activation'];
  const gate = (from: number): (string | [string, ...number[]])[] => [
    ['globalAveragePool', from],
    ...['conv', 'activation', 'conv', 'activation'],
    ['multiply', from, from + 5],
  ];
  // Expansion (3), depthwise (6) and its gate (9..14), projection (15).
  const inverted = ['conv', 'batchNorm', 'activation', 'depthwiseConv', 'batchNorm', 'activation'];
  const block = chain(...stem, ...inverted, ...gate(8), 'conv', 'batchNorm', 'conv', 'batchNorm');
  assert.deepEqual(sizesOf(block), [3, 14, 2]);
  const residual = chain(...stem, ...inverted, ...gate(8), 'conv', 'batchNorm', ['add', 2, 16], 'conv');
  assert.deepEqual(sizesOf(residual), [3, 15, 1]);
});

test('a module of branches is a block, and so is a dense one', () => {
  const inception = chain(
    'conv',
    'activation',
    'conv',
    ['conv', 1],
    ['pool', 1],
    ['concat', 2, 3, 4],
    'conv',
  );
  assert.deepEqual(sizesOf(inception), [2, 4, 1]);
  const dense = chain(
    'conv',
    'batchNorm',
    'activation',
    'conv',
    ['concat', 0, 3],
    'batchNorm',
    'conv',
    'pool',
  );
  assert.deepEqual(sizesOf(dense), [1, 5, 2]);
});
