import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startEngine } from '../../src/engine/index.ts';
import { createModel } from '../../src/models/model.ts';
import { Adam } from '../../src/training/adam.ts';
import { trainStep } from '../../src/training/step.ts';

/** Weights after steps that are enough for the workers to have joined. */
async function trainedWith(threads: number): Promise<Map<string, Float32Array>> {
  const engine = await startEngine('wasm', { threads });
  const description = { architecture: 'article' as const, width: 37, height: 29, channels: 3 as const };
  const model = createModel({ ...description, classes: ['a', 'b', 'c'] });
  const adam = new Adam(model.variables);
  const pixels = Uint8Array.from({ length: 7 * 37 * 29 * 3 }, (_, index) => (index * 7919) % 256);
  const batch = { pixels, labels: [0, 1, 2, 0, 1, 2, 0] };
  const losses = [];
  for (let step = 1; step <= 15; step++) {
    losses.push(trainStep(model, adam, batch, { step, learningRate: 1e-3 })().loss);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok((losses.at(-1) as number) < (losses[0] as number), `it does not learn: ${losses}`);
  const weights = new Map([...model.variables].map(([name, one]) => [name, one.dataSync() as Float32Array]));
  adam.dispose();
  model.dispose();
  await engine.dispose();
  return weights;
}

test('one, two, three and five threads train to the same bits', async () => {
  const expected = await trainedWith(1);
  for (const threads of [2, 3, 5]) {
    const actual = await trainedWith(threads);
    for (const [name, values] of expected)
      assert.deepEqual(actual.get(name), values, `${name}, ${threads} threads`);
  }
});
