/** A state_dict in the names and layouts of PyTorch becomes our variables. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convertBackbone } from '../../src/backbones/convert.ts';
import { backboneNamed } from '../../src/backbones/index.ts';
import { variablesOf } from '../../src/layers/index.ts';
import { pickledState, type WrittenTensor, writeArchive } from '../helpers/pytorch_file.ts';

const backbone = backboneNamed('efficientnet-lite0');

/** Channels and kernels of EfficientNet-Lite0's blocks. */
const stages = [
  [16, 3, 1, 1],
  [24, 3, 6, 2],
  [40, 5, 6, 2],
  [80, 3, 6, 3],
  [112, 5, 6, 3],
  [192, 5, 6, 4],
  [320, 3, 6, 1],
] as const;

/** The shapes of its state_dict. */
function shapes(): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  const norm = (name: string, channels: number) => {
    for (const part of ['weight', 'bias', 'running_mean', 'running_var'])
      found[`${name}.${part}`] = [channels];
    found[`${name}.num_batches_tracked`] = [];
  };
  found['_conv_stem.weight'] = [32, 3, 3, 3];
  norm('_bn0', 32);
  let input = 32;
  let block = 0;
  for (const [channels, kernel, expansion, count] of stages)
    for (let i = 0; i < count; i++) {
      const prefix = `_blocks.${block++}.`;
      const inner = input * expansion;
      if (expansion > 1) {
        found[`${prefix}_expand_conv.weight`] = [inner, input, 1, 1];
        norm(`${prefix}_bn0`, inner);
      }
      found[`${prefix}_depthwise_conv.weight`] = [inner, 1, kernel, kernel];
      norm(`${prefix}_bn1`, inner);
      found[`${prefix}_project_conv.weight`] = [channels, inner, 1, 1];
      norm(`${prefix}_bn2`, channels);
      input = channels;
    }
  found['_conv_head.weight'] = [1280, 320, 1, 1];
  norm('_bn1', 1280);
  found['_fc.weight'] = [1000, 1280];
  found['_fc.bias'] = [1000];
  return found;
}

/** Every tensor is a view of the same numbers: element i of a tensor is i. */
const length = 1_280_000;
const counting = Buffer.from(Float32Array.from({ length }, (_, i) => i).buffer);

function stateWith(change: (tensors: Record<string, number[]>) => void = () => {}): Buffer {
  const all = shapes();
  change(all);
  const tensors = Object.entries(all).map(([name, shape]): [string, WrittenTensor] => [
    name,
    { storage: '0', length, shape },
  ]);
  return writeArchive(pickledState(Object.fromEntries(tensors)), { 0: counting });
}

test('every tensor goes to its variable, kernels in our layout', () => {
  const { info, weights } = convertBackbone(backbone, stateWith());
  const byName = new Map(weights.map((tensor) => [tensor.name, tensor]));
  assert.deepEqual(
    weights.map(({ name, shape }) => ({ name, shape })),
    info.model.layers?.flatMap(variablesOf),
  );
  const at = (name: string, index: number[]) => {
    const { shape, values } = byName.get(name) ?? { shape: [], values: [] };
    return values[index.reduce((sum, place, axis) => sum * (shape[axis] as number) + place, 0)];
  };
  // [out, in, height, width] -> [height, width, in, out]
  assert.equal(at('conv1/weights', [1, 2, 0, 7]), 7 * 27 + 0 * 9 + 1 * 3 + 2);
  // [channels, 1, height, width] -> [height, width, channels, 1]
  assert.equal(at('depthwise1/weights', [2, 1, 5, 0]), 5 * 9 + 2 * 3 + 1);
  assert.equal(at('depthwise4/weights', [4, 3, 7, 0]), 7 * 25 + 4 * 5 + 3);
  // [out, in] -> [in, out]
  assert.equal(at('logits/weights', [3, 999]), 999 * 1280 + 3);
  assert.equal(at('norm49/variance', [1279]), 1279);
  assert.deepEqual(info.model.classes.slice(0, 2), ['imagenet-0', 'imagenet-1']);
  assert.deepEqual(
    [info.preprocessing.mean, info.preprocessing.deviation],
    [
      [127, 127, 127],
      [128, 128, 128],
    ],
  );
});

const wrong: [string, (tensors: Record<string, number[]>) => void, RegExp][] = [
  [
    'a tensor that is missing',
    (all) => delete all['_blocks.3._bn1.running_var'],
    /_blocks\.3\._bn1\.running_var is missing/,
  ],
  ['a tensor more', (all) => Object.assign(all, { '_fc2.weight': [2] }), /nothing reads _fc2\.weight/],
  [
    'a block more',
    (all) => Object.assign(all, { '_blocks.16._depthwise_conv.weight': [2] }),
    /102 modules|\d+ modules instead/,
  ],
  [
    'a kernel of another size',
    (all) => Object.assign(all, { '_blocks.0._depthwise_conv.weight': [32, 1, 5, 5] }),
    /_depthwise_conv\.weight is \[32,1,5,5\]/,
  ],
  [
    'a kernel of another layout',
    (all) => Object.assign(all, { '_conv_stem.weight': [3, 32, 3, 3] }),
    /_conv_stem\.weight is \[3,32,3,3\]/,
  ],
];
for (const [what, change, why] of wrong)
  test(`a state_dict with ${what} is refused`, () =>
    assert.throws(() => convertBackbone(backbone, stateWith(change)), why));
