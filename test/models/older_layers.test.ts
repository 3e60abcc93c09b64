import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { startEngine } from '../../src/engine/index.ts';
import type { LayerSummary } from '../../src/layers/index.ts';
import { createModel } from '../../src/models/model.ts';
import { planArchitecture } from '../../src/models/plan.ts';
import { articleDescription } from '../helpers/network.ts';
import { networkCases } from '../helpers/network_cases.ts';

before(() => startEngine('cpu', { threads: 1 }));

/** Kinds of layers that versions with such manifests did not have. */
const newer = ['depthwiseConv', 'averagePool', 'concat', 'multiply'];

/** A layer as manifests held it before all of its attributes were in it. */
function olden({ attributes, ...layer }: LayerSummary): LayerSummary {
  const { outputChannels: _, biases: __, outputs: ___, padding, ...kept } = attributes;
  return { ...layer, attributes: { ...kept, ...(padding === 'valid' && { padding }) } };
}

test('layers of older manifests are the same layers', () => {
  for (const [name, { model, layers }] of networkCases()) {
    if (layers.some(({ kind }) => newer.includes(kind))) continue;
    const older = createModel({ ...model, architecture: 'layers', layers: layers.map(olden) });
    assert.deepEqual(older.layers, layers, name);
    older.dispose();
  }
});

test('a checkpoint that names its architecture alone is as wide as its weights are', () => {
  const description = { ...articleDescription, architecture: 'deep' as const };
  for (const firstChannels of [16, 32]) {
    const { layers } = planArchitecture('deep', description, firstChannels);
    const sizes = layers.flatMap(({ variables }) => variables);
    const restored = new Map(
      sizes.map(({ name, shape }) => [name, new Float32Array(shape.reduce((a, b) => a * b, 1))]),
    );
    const model = createModel(description, { restored });
    assert.deepEqual(model.layers, layers);
    model.dispose();
  }
});

test('dropout belongs to training, and is not among the layers of a checkpoint', () => {
  for (const architecture of ['article', 'deep', 'residual'] as const) {
    const model = createModel({ ...articleDescription, architecture }, { dropout: 0.5 });
    const names = (layers: LayerSummary[]) => layers.map(({ name }) => name);
    assert.deepEqual(names(model.layers).slice(-2), ['dropout1', 'logits']);
    assert.deepEqual(
      names(model.description.layers),
      names(model.layers).filter((name) => name !== 'dropout1'),
    );
    assert.deepEqual(model.layers.at(-1)?.inputs, ['dropout1']);
    assert.deepEqual(model.layers.at(-2)?.inputs, model.description.layers.at(-1)?.inputs);
    model.dispose();
  }
});

test('a manifest whose layers do not fit is refused', () => {
  const { layers } = planArchitecture('article', articleDescription);
  const description = { ...articleDescription, architecture: 'layers' as const };
  const changed = (change: Partial<LayerSummary>) => [
    { ...(layers[0] as LayerSummary), ...change },
    ...layers.slice(1),
  ];
  const wrong: [LayerSummary[], RegExp][] = [
    [
      changed({ kind: 'lstm' }),
      /The layer "lstm" is not known to this version of bat-sup; install a newer one\.$/,
    ],
    [changed({ inputs: ['fc1'] }), /conv1 reads fc1, which is not a layer before it\.$/],
    [changed({ kind: 'fullyConnected', attributes: { outputs: 3 } }), /conv1 needs features \[features\]/],
  ];
  for (const [given, message] of wrong)
    assert.throws(() => createModel({ ...description, layers: given }), message);
});
