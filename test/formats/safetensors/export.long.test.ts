import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { startEngine } from '../../../src/engine/index.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { variablesOf } from '../../../src/layers/index.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { inside, networkCasesBeyondTfjs } from '../../helpers/network_cases.ts';
import { type Asked, askPython, exportAll, rgbNormalisation } from '../../helpers/other_side.ts';
import { withoutPackage } from '../../helpers/python.ts';

before(() => startEngine('wasm', { threads: 1 }));

interface Answer {
  about: Record<string, unknown>;
  shapes: Record<string, number[]>;
  sums: Record<string, number>;
  types: string[];
  logits: number[][] | null;
}

const script = new URL('run.py', import.meta.url);
const float16 = { ...inside, weights: 'float16' } as const;

test('the safetensors library reads the same tensors', { skip: withoutPackage('safetensors') }, async () => {
  const asked = await exportAll('safetensors', networkCasesBeyondTfjs(), [inside, float16]);
  const answers = askPython<Answer>(script, asked);
  for (const [index, { name, network, options }] of asked.entries()) {
    const { about: told, shapes, sums, types } = answers[index] as Answer;
    assert.deepEqual(told.classes, network.model.classes);
    assert.ok(types.includes(options.weights), name);
    for (const { name: variable, shape } of network.layers.flatMap(variablesOf)) {
      const [layer, part] = variable.split('/') as [string, string];
      const suffixes: Record<string, string> = {
        weights: 'weight',
        scale: 'weight',
        mean: 'running_mean',
        variance: 'running_var',
      };
      const theirs = `${layer}.${suffixes[part] ?? 'bias'}`;
      // [out, in / groups, height, width]: a depthwise convolution has a group for each channel.
      const axes = layer.startsWith('depthwise') ? [2, 3, 0, 1] : [3, 2, 0, 1];
      const permuted = shape.length === 4 ? axes.map((axis) => shape[axis]) : [...shape].reverse();
      assert.deepEqual(shapes[theirs], permuted, theirs);
      const values = network.weights.get(variable)?.values ?? new Float32Array();
      const sum = values.reduce((total, value) => total + value, 0);
      assert.ok(Math.abs((sums[theirs] as number) - sum) < 1e-3 * values.length, theirs);
    }
  }
});

test('PyTorch answers the same, and what it saves is imported', {
  skip: withoutPackage('torch', 'safetensors'),
}, async (t) => {
  const articles = networkCasesBeyondTfjs().filter(([, { model }]) => model.architecture === 'article');
  const asked = await exportAll('safetensors', articles, [inside]);
  const answers = askPython<Answer>(script, asked);
  for (const [index, one] of asked.entries()) {
    const { name, network, pixels, file }: Asked = one;
    const own = logitsOf(network, pixels);
    const { difference, spread } = compare(own, answers[index]?.logits ?? []);
    t.diagnostic(`${name}: ${difference} of ${spread}`);
    assert.ok(difference <= 1e-5 * spread, `${name}: ${difference} of ${spread}`);
    const { classes } = network.model;
    const back = await importNetwork(`${file}.again.safetensors`, {
      classes,
      size: network.model,
      preprocessing: rgbNormalisation(network),
    });
    assert.deepEqual(back.network.model, network.model);
    assert.ok(compare(own, logitsOf(back.network, pixels)).difference <= 1e-6 * spread);
  }
});
