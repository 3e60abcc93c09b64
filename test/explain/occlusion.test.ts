import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { occlusion } from '../../src/explain/occlusion.ts';
import type { Predictor } from '../../src/predict/predictor.ts';

interface Region {
  left: number;
  top: number;
  side: number;
}

/** Predicts 'a' by how much white a region has. `seen` counts the pictures it was given. */
function regionCounter(
  width: number,
  height: number,
  { left, top, side }: Region,
  certainty = 6,
  temperature = 1,
) {
  const counter = { seen: 0 };
  const model: Predictor = {
    description: { architecture: 'article', width, height, channels: 1, classes: ['a', 'b', 'c'] },
    fit: 'fill',
    checkpoint: '',
    layers: [],
    temperature,
    decode: () => assert.fail('pictures are decoded already'),
    forward: () => assert.fail('only predict is called'),
    async predict(pictures) {
      counter.seen += pictures.length;
      return pictures.map((pixels) => {
        let white = 0;
        for (let y = top; y < top + side; y++)
          for (let x = left; x < left + side; x++) if (pixels[y * width + x] === 255) white++;
        return Float32Array.of((white / side ** 2) * certainty, 0, 0);
      });
    },
    dispose() {},
  };
  return { model, counter };
}

test('the region that decides the class is found wherever it is', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({ width: fc.integer({ min: 24, max: 70 }), height: fc.integer({ min: 24, max: 70 }) }),
      fc.float({ min: 0, max: 1, noNaN: true }),
      fc.float({ min: 0, max: 1, noNaN: true }),
      async ({ width, height }, x, y) => {
        const side = 6;
        const left = Math.round(x * (width - side));
        const top = Math.round(y * (height - side));
        const { model } = regionCounter(width, height, { left, top, side });
        const picture = Buffer.alloc(width * height, 255);
        const { heat, largestDrop } = await occlusion(model, picture, 0);
        assert.ok(largestDrop > 0.3 && largestDrop <= 1, `largest drop ${largestDrop}`);
        let [inside, all, max] = [0, 0, 0];
        for (const [at, value] of heat.entries()) {
          const [px, py] = [at % width, Math.floor(at / width)];
          const within = px >= left && px < left + side && py >= top && py < top + side;
          all += value;
          if (within) inside += value;
          if (within) max = Math.max(max, value);
        }
        assert.equal(max, 1);
        assert.ok(inside / side ** 2 > 3 * (all / heat.length), 'no hotter than elsewhere');
        assert.deepEqual(picture, Buffer.alloc(width * height, 255));
      },
    ),
    { numRuns: 25 },
  ));

test('the grid is refined only where it is hot', async () => {
  const { model, counter } = regionCounter(96, 96, { left: 30, top: 50, side: 6 });
  await occlusion(model, new Uint8Array(96 * 96).fill(255), 0);
  const everywhere = (96 / 12 - 1) ** 2 + (96 / 6 - 1) ** 2 + (96 / 3 - 1) ** 2;
  assert.ok(counter.seen < everywhere / 4, `${counter.seen} predictions`);
});

test('it works where the probability rounds to 1', async () => {
  const { model } = regionCounter(32, 32, { left: 8, top: 8, side: 6 }, 60);
  // Half a square covered leaves a logit of 30, whose probability is 1 in float32 and almost so in float64.
  const { heat, largestDrop } = await occlusion(model, new Uint8Array(32 * 32).fill(255), 0);
  assert.ok(largestDrop > 0);
  assert.equal(Math.max(...heat), 1);
});

test('the drop is measured on calibrated probabilities, as predict gives them', async () => {
  const region = { left: 8, top: 8, side: 4 };
  const { model } = regionCounter(32, 32, region, 6, 3);
  const { largestDrop } = await occlusion(model, new Uint8Array(32 * 32).fill(255), 0);
  // With the whole region covered the logit falls from 6 to 0, and the probability from e^2 / (e^2 + 2) to 1/3.
  const expected = Math.exp(2) / (Math.exp(2) + 2) - 1 / 3;
  assert.ok(Math.abs(largestDrop - expected) < 1e-6, `${largestDrop} for ${expected}`);
});

test('a class without evidence gives an empty map', async () => {
  const { model } = regionCounter(32, 32, { left: 8, top: 8, side: 6 });
  const { heat, largestDrop } = await occlusion(model, new Uint8Array(32 * 32).fill(255), 1);
  assert.equal(largestDrop, 0);
  assert.ok(heat.every((value) => value === 0));
});
