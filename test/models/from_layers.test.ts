import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { startEngine } from '../../src/engine/index.ts';
import { createModel } from '../../src/models/model.ts';
import { Adam } from '../../src/training/adam.ts';
import { trainStep } from '../../src/training/step.ts';
import { compare, logitsOf, picturesFor } from '../helpers/network.ts';
import { networkCases } from '../helpers/network_cases.ts';

before(() => startEngine('wasm', { threads: 1 }));

test('a network made anew of what its layers tell is the same network', () => {
  for (const [name, network] of networkCases()) {
    const model = { ...network.model, architecture: 'layers' as const, layers: network.layers };
    const pixels = picturesFor(model, 2);
    const { difference } = compare(logitsOf(network, pixels), logitsOf({ ...network, model }, pixels));
    assert.equal(difference, 0, name);
  }
});

test('it learns', () => {
  for (const [name, { model: description, layers }] of networkCases()) {
    const model = createModel({ ...description, architecture: 'layers', layers }, { seed: 2 });
    const adam = new Adam(model.variables);
    const pixels = Buffer.from(picturesFor(description, 4));
    const batch = { pixels, labels: [0, 1, 1, 0] };
    const losses = Array.from(
      { length: 12 },
      (_, index) => trainStep(model, adam, batch, { step: index + 1, learningRate: 0.003 })().loss,
    );
    assert.ok((losses.at(-1) as number) < (losses[0] as number), `${name}: ${losses}`);
    model.dispose();
  }
});
