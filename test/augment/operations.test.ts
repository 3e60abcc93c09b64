import assert from 'node:assert/strict';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import type { Picture } from '../../src/augment/operation.ts';
import { chooseOperations, operations } from '../../src/augment/operations/index.ts';

function operation(name: string) {
  return chooseOperations([name])[0] as (typeof operations)[number];
}

function picture(width: number, height: number, colour: (x: number, y: number) => number[]): Picture {
  const pixels = Array.from({ length: width * height }, (_, i) => colour(i % width, Math.floor(i / width)));
  return { data: Buffer.from(pixels.flat()), width, height };
}

function pixel({ data, width }: Picture, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

const corner = picture(4, 4, (x, y) => (x === 0 && y === 0 ? [255, 255, 255] : [0, 0, 0]));

test('flips', async () => {
  assert.deepEqual(pixel(await operation('flipLeftRight').apply(corner, null), 3, 0), [255, 255, 255]);
  assert.deepEqual(pixel(await operation('flipTopBottom').apply(corner, null), 0, 3), [255, 255, 255]);
});

test('brightness multiplies, contrast spreads around the middle, colour at 0 is grey', async () => {
  const colours = picture(4, 4, () => [100, 150, 200]);
  const bright = await operation('brightness').apply(colours, { factor: 1.2 });
  assert.deepEqual(pixel(bright, 1, 1), [120, 180, 240]);
  const contrast = await operation('contrast').apply(colours, { factor: 0.5 });
  assert.deepEqual(pixel(contrast, 1, 1), [114, 139, 164]);
  const [r, g, b] = pixel(await operation('colour').apply(colours, { factor: 0 }), 1, 1) as [
    number,
    number,
    number,
  ];
  assert.ok(Math.abs(r - g) <= 2 && Math.abs(g - b) <= 2, `${r} ${g} ${b}`);
});

test('zoom keeps the middle', async () => {
  const ring = picture(20, 20, (x, y) =>
    Math.max(Math.abs(x - 9.5), Math.abs(y - 9.5)) < 5 ? [9, 9, 9] : [0, 0, 0],
  );
  const { width, height, data } = await operation('zoom').apply(ring, { factor: 2 });
  assert.deepEqual([width, height], [10, 10]);
  assert.ok(data.every((value) => value === 9));
});

test('shift moves, and repeats the edge', async () => {
  const moved = await operation('shift').apply(corner, { right: 0.25, down: 0 });
  assert.deepEqual([moved.width, moved.height], [4, 4]);
  assert.deepEqual(pixel(moved, 1, 0), [255, 255, 255]);
  assert.deepEqual(pixel(moved, 0, 0), [255, 255, 255]);
  const back = await operation('shift').apply(corner, { right: -0.25, down: 0 });
  assert.deepEqual(pixel(back, 0, 0), [0, 0, 0]);
});

// A white picture stays white only where no empty corner comes in.
for (const name of ['rotate', 'shear', 'shift', 'zoom']) {
  test(`${name} never shows an empty corner`, async () => {
    for (const [width, height] of [
      [60, 60],
      [80, 31],
      [31, 80],
      [200, 20],
      [9, 9],
    ] as const) {
      const white = picture(width, height, () => [255, 255, 255]);
      for (let seed = 0; seed < 12; seed++) {
        const parameters = operation(name).sample(seedrandom(String(seed)));
        const changed = await operation(name).apply(white, parameters);
        const darkest = Math.min(...changed.data);
        assert.ok(darkest >= 254, `${width}x${height}, ${JSON.stringify(parameters)}: ${darkest}`);
      }
    }
  });
}

test('every operation works on the smallest pictures', async () => {
  for (const one of operations) {
    for (const [width, height] of [
      [1, 1],
      [2, 3],
      [1, 40],
    ] as const) {
      const result = await one.apply(
        picture(width, height, () => [9, 9, 9]),
        one.sample(seedrandom('1')),
      );
      assert.equal(result.data.length, result.width * result.height * 3, `${one.name} ${width}x${height}`);
    }
  }
});
