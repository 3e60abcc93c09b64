import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import type { Change } from '../../src/augment/operation.ts';
import { operations } from '../../src/augment/operations/index.ts';
import type { Picture } from '../../src/augment/picture.ts';
import { type OperationSetting, parsePipeline } from '../../src/augment/pipeline.ts';
import { render } from '../../src/augment/render.ts';
import { differenceOf, greyOf, pictureOf, pixelOf, redsOf, smoothPicture } from '../helpers/pixels.ts';

/** What an operation does where its random numbers are these, then 0.5. */
function changesOf(setting: OperationSetting, picture: Picture, numbers: number[] = []): Change[] {
  const [step] = parsePipeline([setting]);
  if (!step) throw new Error('no step');
  const rest = [...numbers];
  return [step.operation.sample(() => rest.shift() ?? 0.5, step.parameters as never, picture)].flat();
}

function apply(setting: OperationSetting, picture: Picture, numbers: number[] = []): Promise<Picture> {
  return render(picture, changesOf(setting, picture, numbers));
}

const most = 1 - 2 ** -32;

const numbered = greyOf([
  [10, 20, 30],
  [40, 50, 60],
]);

/** Where the values are whole pixels moved: exactly these. */
const moves: [setting: OperationSetting, numbers: number[], expected: number[][]][] = [
  [
    'flipLeftRight',
    [],
    [
      [30, 20, 10],
      [60, 50, 40],
    ],
  ],
  [
    'flipTopBottom',
    [],
    [
      [40, 50, 60],
      [10, 20, 30],
    ],
  ],
  [
    'flipRandom',
    [0],
    [
      [30, 20, 10],
      [60, 50, 40],
    ],
  ],
  [
    'flipRandom',
    [0.9],
    [
      [40, 50, 60],
      [10, 20, 30],
    ],
  ],
  [
    'rotate90',
    [],
    [
      [30, 60],
      [20, 50],
      [10, 40],
    ],
  ],
  [
    'rotate180',
    [],
    [
      [60, 50, 40],
      [30, 20, 10],
    ],
  ],
  [
    'rotate270',
    [],
    [
      [40, 10],
      [50, 20],
      [60, 30],
    ],
  ],
  [
    'rotateRandom90',
    [0],
    [
      [30, 60],
      [20, 50],
      [10, 40],
    ],
  ],
  [
    'rotateRandom90',
    [0.5],
    [
      [60, 50, 40],
      [30, 20, 10],
    ],
  ],
  [
    'rotateRandom90',
    [most],
    [
      [40, 10],
      [50, 20],
      [60, 30],
    ],
  ],
  [
    { operation: 'rotate', maxLeft: 180, maxRight: 180 },
    [0],
    [
      [60, 50, 40],
      [30, 20, 10],
    ],
  ],
  [
    { operation: 'rotate', maxRight: 0, maxLeft: 0 },
    [0.3],
    [
      [10, 20, 30],
      [40, 50, 60],
    ],
  ],
  [
    { operation: 'rotateWithoutCrop', maxLeft: 90, expand: true },
    [0],
    [
      [30, 60],
      [20, 50],
      [10, 40],
    ],
  ],
  [
    { operation: 'rotateWithoutCrop', maxRight: 90, expand: true },
    [1],
    [
      [40, 10],
      [50, 20],
      [60, 30],
    ],
  ],
  [
    { operation: 'shift', horizontal: 0.34, vertical: 0 },
    [1],
    [
      [10, 10, 20],
      [40, 40, 50],
    ],
  ],
  [
    { operation: 'shift', horizontal: 0.34, vertical: 0 },
    [0],
    [
      [20, 30, 30],
      [50, 60, 60],
    ],
  ],
  [
    { operation: 'shift', horizontal: 0, vertical: 0.5, fill: '#070707' },
    [0.5, 1],
    [
      [7, 7, 7],
      [10, 20, 30],
    ],
  ],
  [{ operation: 'cropBySize', width: 1, height: 1 }, [], [[20]]],
  [{ operation: 'cropBySize', width: 2, height: 1, centre: false }, [most, most], [[50, 60]]],
  [
    { operation: 'cropBySize', width: 4, height: 1 },
    [],
    [
      [10, 20, 30],
      [40, 50, 60],
    ],
  ],
  [{ operation: 'cropCentre', side: 0.5 }, [], [[20]]],
  [{ operation: 'cropRandom', side: 0.7 }, [0, most], [[40, 50]]],
  [{ operation: 'cropCentre', side: 0.9, randomise: true }, [0], [[20]]],
  [
    { operation: 'resize', width: 3, height: 2 },
    [],
    [
      [10, 20, 30],
      [40, 50, 60],
    ],
  ],
  [{ operation: 'resize', width: 3, height: 1 }, [], [[25, 35, 45]]],
  [
    { operation: 'resize', width: 6, height: 2 },
    [],
    [
      [10, 13, 18, 23, 28, 30],
      [40, 43, 48, 53, 58, 60],
    ],
  ],
  [{ operation: 'scale', factor: 0.5 }, [], [[35]]],
  [
    { operation: 'zoom', minFactor: 1, maxFactor: 1 },
    [],
    [
      [10, 20, 30],
      [40, 50, 60],
    ],
  ],
];

for (const [setting, numbers, expected] of moves) {
  test(`${JSON.stringify(setting)} with ${JSON.stringify(numbers)}`, async () => {
    assert.deepEqual(redsOf(await apply(setting, numbered, numbers)), expected);
  });
}

const colours = pictureOf(
  2,
  2,
  (x, y) =>
    [
      [100, 150, 200],
      [0, 0, 0],
      [255, 255, 255],
      [200, 40, 40],
    ][y * 2 + x] as number[],
);

/** The first pixel, 100 150 200 (luma 140.75); the picture's mean luma is 121. */
const recolourings: [setting: OperationSetting, numbers: number[], expected: number[]][] = [
  ['invert', [], [155, 105, 55]],
  [{ operation: 'brightness', minFactor: 1.2, maxFactor: 1.2 }, [], [120, 180, 240]],
  [{ operation: 'brightness', minFactor: 0, maxFactor: 2 }, [1], [200, 255, 255]],
  [{ operation: 'contrast', minFactor: 0.5, maxFactor: 0.5 }, [], [110, 135, 160]],
  [{ operation: 'contrast', minFactor: 0, maxFactor: 0 }, [], [121, 121, 121]],
  ['greyscale', [], [141, 141, 141]],
  [{ operation: 'colour', minFactor: 0.5, maxFactor: 0.5 }, [], [120, 145, 170]],
  [{ operation: 'colour', minFactor: 2, maxFactor: 2 }, [], [59, 159, 255]],
  [{ operation: 'blackAndWhite', threshold: 141 }, [], [255, 255, 255]],
  [{ operation: 'blackAndWhite', threshold: 142 }, [], [0, 0, 0]],
  [{ operation: 'posterise', bits: 1 }, [], [0, 128, 128]],
  [{ operation: 'posterise', bits: 8 }, [], [100, 150, 200]],
  [{ operation: 'solarise', threshold: 150 }, [], [100, 105, 55]],
  [
    {
      operation: 'hsvShift',
      hueShift: 0,
      saturationScale: 0,
      saturationShift: 0,
      valueScale: 0,
      valueShift: 0,
    },
    [],
    [100, 150, 200],
  ],
  // Hue 210 degrees turned by a third, to 330: 200 100 150.
  [
    {
      operation: 'hsvShift',
      hueShift: 1 / 3,
      saturationScale: 0,
      saturationShift: 0,
      valueScale: 0,
      valueShift: 0,
    },
    [1],
    [200, 100, 150],
  ],
  [
    {
      operation: 'hsvShift',
      hueShift: 1 / 3,
      saturationScale: 0,
      saturationShift: 0,
      valueScale: 0,
      valueShift: 0,
    },
    [0],
    [150, 200, 100],
  ],
  [
    {
      operation: 'hsvShift',
      hueShift: 0,
      saturationScale: 0,
      saturationShift: 1,
      valueScale: 0,
      valueShift: 0,
    },
    [0.5, 0.5, 0],
    [200, 200, 200],
  ],
  [
    {
      operation: 'hsvShift',
      hueShift: 0,
      saturationScale: 0,
      saturationShift: 0,
      valueScale: 0,
      valueShift: 0.2,
    },
    [0.5, 0.5, 0.5, 0.5, 0],
    [75, 112, 149],
  ],
];

for (const [setting, numbers, expected] of recolourings) {
  test(`${JSON.stringify(setting)} with ${JSON.stringify(numbers)}: ${expected.join(' ')}`, async () => {
    const found = pixelOf(await apply(setting, colours, numbers), 0, 0);
    for (const channel of [0, 1, 2]) {
      const difference = Math.abs((found[channel] as number) - (expected[channel] as number));
      assert.ok(difference <= 1, `${found}`);
    }
  });
}

test('colours are scaled and measured to the last pixel, whatever their number', async () => {
  for (const width of [1, 2, 3, 5, 7]) {
    const picture = pictureOf(width, 1, (x) => [250 - x * 30, 20 + x * 25, (x * 97) % 256]);
    const grey = ([red = 0, green = 0, blue = 0]: number[]) => 0.299 * red + 0.587 * green + 0.114 * blue;
    const all = Array.from({ length: width }, (_, x) => pixelOf(picture, x, 0));
    const middle = Math.round(all.reduce((sum, pixel) => sum + grey(pixel), 0) / width);
    const stronger = await apply({ operation: 'colour', minFactor: 1.5, maxFactor: 1.5 }, picture, []);
    const flat = await apply({ operation: 'contrast', minFactor: 0, maxFactor: 0 }, picture, []);
    for (const [x, pixel] of all.entries()) {
      const expected = pixel.map((value) => Math.min(255, Math.max(0, 1.5 * value - 0.5 * grey(pixel))));
      assert.deepEqual(pixelOf(stronger, x, 0), expected.map(Math.round));
      assert.deepEqual(pixelOf(flat, x, 0), [middle, middle, middle]);
    }
  }
});

test('auto contrast stretches each colour to the whole range', async () => {
  const picture = pictureOf(3, 1, (x) => [50 + 50 * x, 7, x]);
  assert.deepEqual([...(await apply('autoContrast', picture)).data], [0, 7, 0, 127, 7, 127, 255, 7, 255]);
});

test('histogram equalisation makes values about as frequent', async () => {
  // A step is (1024 - 256) / 255 = 3 pixels; a value becomes the pixels before it, and half a step, in steps.
  const picture = pictureOf(32, 32, (x) => Array(3).fill([20, 30, 31, 200][Math.floor(x / 8)]));
  const [row] = redsOf(await apply('histogramEqualisation', picture));
  assert.deepEqual(
    [0, 8, 16, 24].map((x) => row?.[x]),
    [0, 85, 171, 255],
  );
  const flat = pictureOf(3, 3, () => [9, 9, 9]);
  assert.deepEqual((await apply('histogramEqualisation', flat)).data, flat.data);
});

test('sharpness goes away from the smoothed picture, and leaves the outermost pixels', async () => {
  const dot = greyOf([
    [0, 0, 0],
    [0, 130, 0],
    [0, 0, 0],
  ]);
  const smooth = (130 * 5) / 13;
  const soft = await apply({ operation: 'sharpness', minFactor: 0, maxFactor: 0 }, dot);
  assert.deepEqual(redsOf(soft), [
    [0, 0, 0],
    [0, smooth, 0],
    [0, 0, 0],
  ]);
  const sharp = await apply({ operation: 'sharpness', minFactor: 1.5, maxFactor: 1.5 }, dot);
  assert.equal(redsOf(sharp)[1]?.[1], smooth + 1.5 * (130 - smooth));
});

test('zoom shows the middle, as large as the picture', async () => {
  const ring = pictureOf(20, 20, (x, y) =>
    Math.max(Math.abs(x - 9.5), Math.abs(y - 9.5)) < 5 ? [9, 9, 9] : [200, 200, 200],
  );
  const { width, height, data } = await apply({ operation: 'zoom', minFactor: 2, maxFactor: 2 }, ring);
  assert.deepEqual([width, height], [20, 20]);
  const inner = redsOf({ data, width, height })
    .slice(1, 19)
    .map((row) => row.slice(1, 19));
  assert.ok(inner.flat().every((value) => value === 9));
});

test('zoomRandom shows the part that it chose', async () => {
  const picture = pictureOf(40, 40, (x, y) => [x * 6, y * 6, 0]);
  const zoomed = await apply({ operation: 'zoomRandom', side: 0.5 }, picture, [1, 0]);
  const [red, green] = pixelOf(zoomed, 39, 0) as [number, number];
  // The right half: its last pixel shows a quarter before the last pixel's edge; above, the first one's.
  assert.ok(Math.abs(red - 39 * 6) <= 2 && green <= 2, `${red} ${green}`);
  assert.ok(Math.abs((pixelOf(zoomed, 0, 0)[0] as number) - 19.75 * 6) <= 2);
});

/** A picture that says where its pixels come from: red across, green down, of 200. */
const place = pictureOf(100, 50, (x, y) => [x * 2, y * 4, 0].map((value) => Math.min(255, value)));

function placeOf(picture: Picture, x: number, y: number): [across: number, down: number] {
  const [red, green] = pixelOf(picture, x, y) as [number, number];
  return [red / 2, green / 4];
}

function assertNear(found: [number, number], expected: [number, number], tolerance = 1): void {
  const distance = Math.hypot(found[0] - expected[0], found[1] - expected[1]);
  assert.ok(distance <= tolerance, `${found} instead of ${expected}`);
}

test('rotate turns about the middle, and crops to the largest part without corners', async () => {
  const degrees = 10;
  const turned = await apply({ operation: 'rotate', maxLeft: 0, maxRight: degrees }, place, [1]);
  const angle = (degrees * Math.PI) / 180;
  const zoom = Math.cos(angle) + 2 * Math.sin(angle);
  for (const [x, y] of [
    [50, 25],
    [10, 10],
    [90, 40],
  ] as const) {
    // Clockwise on the screen: what is at the top comes from the left.
    const [dx, dy] = [(x + 0.5 - 50) / zoom, (y + 0.5 - 25) / zoom];
    const from: [number, number] = [
      50 + Math.cos(angle) * dx + Math.sin(angle) * dy - 0.5,
      25 - Math.sin(angle) * dx + Math.cos(angle) * dy - 0.5,
    ];
    assertNear(placeOf(turned, x, y), from);
  }
});

test('skew pulls corners out of the frame', async () => {
  // The left side, by a tenth of the longer side, up and down: the right one stays.
  const skewed = await apply({ operation: 'skewLeftRight', magnitude: 0.1 }, place, [1, 0]);
  assertNear(placeOf(skewed, 99, 0), [99, 0]);
  assertNear(placeOf(skewed, 99, 49), [99, 49]);
  // On the left, 50 of 70 pixels are seen: from a seventh on.
  assertNear(placeOf(skewed, 0, 0), [0, 50 / 7], 1.5);
  assertNear(placeOf(skewed, 0, 49), [0, 50 - 50 / 7 - 1], 1.5);
  const corner = await apply({ operation: 'skewCorner', magnitude: 0.1 }, place, [1, most]);
  assertNear(placeOf(corner, 99, 0), [99, 0]);
  assertNear(placeOf(corner, 0, 0), [0, 0]);
  assertNear(placeOf(corner, 99, 49), [99, 49]);
  assert.ok(placeOf(corner, 0, 49)[1] < 45);
});

test('perspective shows a place nearer to the middle in each corner', async () => {
  const seen = await apply({ operation: 'perspective', magnitude: 0.4 }, place, [1, 1, 0, 0, 0.5, 0.5, 1, 0]);
  assertNear(placeOf(seen, 0, 0), [20, 10], 1.5);
  assertNear(placeOf(seen, 99, 0), [99, 0], 1.5);
  assertNear(placeOf(seen, 99, 49), [89, 44], 1.5);
  assertNear(placeOf(seen, 0, 49), [20, 49], 1.5);
});

test('shear slants', async () => {
  const slanted = await apply({ operation: 'shear', maxLeft: 0, maxRight: 45 }, place, [0.5, 0.9]);
  // Half of 45 degrees along the width: the lower edge is moved by tan(22.5) x 50 = 20.7 pixels.
  assertNear(placeOf(slanted, 0, 0), [0, 0]);
  assertNear(placeOf(slanted, 0, 49), [20.5, 49]);
  assertNear(placeOf(slanted, 99, 0), [78.5, 0]);
  assertNear(placeOf(slanted, 99, 49), [99, 49]);
});

test('distortions move what is within the grid, at most so far, and never the edge', async () => {
  for (const setting of [
    { operation: 'randomDistortion', gridWidth: 4, gridHeight: 4, magnitude: 5 },
    { operation: 'gaussianDistortion', gridWidth: 4, gridHeight: 4, magnitude: 2, corner: 'bell' },
  ] as const) {
    const random = seedrandom('distort');
    const distorted = await apply(setting, place, Array.from({ length: 99 }, random));
    let moved = 0;
    for (let x = 0; x < 100; x++) {
      for (const y of [0, 49]) assertNear(placeOf(distorted, x, y), [x, y], 2);
      const [across, down] = placeOf(distorted, x, 25);
      moved = Math.max(moved, Math.hypot(across - x, down - 25));
    }
    assert.ok(moved > 1 && moved < 9, `${setting.operation}: ${moved}`);
  }
});

test('a Gaussian distortion is largest where its bell stands', async () => {
  const tries = Array.from({ length: 40 }, (_, i) => i);
  const movedAt = async (corner: 'upperLeft' | 'lowerRight', x: number, y: number) => {
    let sum = 0;
    for (const seed of tries) {
      const random = seedrandom(String(seed));
      const setting = { operation: 'gaussianDistortion', magnitude: 2, corner } as const;
      const [across, down] = placeOf(await apply(setting, place, Array.from({ length: 300 }, random)), x, y);
      sum += Math.hypot(across - x, down - y);
    }
    return sum / tries.length;
  };
  assert.ok((await movedAt('upperLeft', 13, 6)) > 3 * (await movedAt('upperLeft', 87, 43)));
  assert.ok((await movedAt('lowerRight', 87, 43)) > 3 * (await movedAt('lowerRight', 13, 6)));
});

test('cutout and erasing change one rectangle', async () => {
  const cut = await apply({ operation: 'cutout', side: 0.5, fill: '#ff0000' }, colours, [most, 0]);
  assert.deepEqual(pixelOf(cut, 1, 0), [255, 0, 0]);
  assert.deepEqual(pixelOf(cut, 0, 0), [100, 150, 200]);
  assert.deepEqual(pixelOf(cut, 1, 1), [200, 40, 40]);

  const flat = pictureOf(50, 40, () => [7, 7, 7]);
  const erased = await apply({ operation: 'randomErasing', side: 0.4 }, flat, [1, 1, 0.5, 0.5, 0.3]);
  const changed = redsOf(erased).flatMap((row, y) =>
    row.flatMap((value, x) => (value === 7 ? [] : [[x, y]])),
  );
  const inside = changed.every(([x = 0, y = 0]) => x >= 15 && x < 35 && y >= 12 && y < 28);
  assert.ok(inside && changed.length > 300, `${changed.length}`);
  const mean =
    changed.reduce((sum, [x = 0, y = 0]) => sum + (redsOf(erased)[y]?.[x] as number), 0) / changed.length;
  assert.ok(mean > 110 && mean < 145, String(mean));
});

test('noise has the deviation asked for, and mean zero', async () => {
  const grey = pictureOf(200, 200, () => [128, 128, 128]);
  const random = seedrandom('noise');
  const setting = { operation: 'noise', minDeviation: 10, maxDeviation: 10 } as const;
  const { data } = await apply(setting, grey, Array.from({ length: 9000 }, random));
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
  assert.ok(Math.abs(mean - 128) < 0.6, String(mean));
  assert.ok(Math.abs(Math.sqrt(variance) - 10) < 0.5, String(variance));
});

test('blur spreads a dot and keeps its light; JPEG artefacts are near the picture, but not it', async () => {
  const dot = pictureOf(21, 21, (x, y) => Array(3).fill(x === 10 && y === 10 ? 250 : 0));
  const blurred = await apply({ operation: 'blur', minSigma: 1, maxSigma: 1 }, dot);
  const middle = redsOf(blurred)[10]?.[10] as number;
  assert.ok(Math.abs(middle - 250 / (2 * Math.PI)) < 6, String(middle));
  const photo = smoothPicture(64, 64);
  const artefacts = await apply({ operation: 'jpegArtefacts', minQuality: 5, maxQuality: 5 }, photo);
  const { mean } = differenceOf(photo, artefacts);
  assert.ok(mean > 0.5 && mean < 20, String(mean));
});

test('policies do as many operations as their papers say', async () => {
  const size = { width: 50, height: 40 };
  const of = (name: 'trivialAugment' | 'randAugment', seed: string) => {
    const [step] = parsePipeline([name]);
    return [step?.operation.sample(seedrandom(seed), step.parameters as never, size)].flat();
  };
  const counts = { trivialAugment: new Set<number>(), randAugment: new Set<number>() };
  for (let seed = 0; seed < 100; seed++) {
    for (const name of ['trivialAugment', 'randAugment'] as const)
      counts[name].add(of(name, String(seed)).length);
  }
  // None where the identity was drawn.
  assert.deepEqual([...counts.trivialAugment].sort(), [0, 1]);
  assert.deepEqual([...counts.randAugment].sort(), [0, 1, 2]);
});

test('RandAugment’s strength 0 changes nothing that has a strength', async () => {
  const picture = smoothPicture(40, 30);
  let same = 0;
  for (let seed = 0; seed < 60; seed++) {
    const setting = { operation: 'randAugment', operations: 1, magnitude: 0 } as const;
    const changed = await apply(setting, picture, [seed / 60]);
    if (differenceOf(picture, changed).largest <= 1) same++;
  }
  // All but auto contrast and equalisation: twelve of fourteen.
  assert.ok(same >= 50 && same < 60, String(same));
});

// A white picture stays white only where no empty corner comes in.
const withoutCorners = [
  'rotate',
  'shear',
  'shift',
  'zoom',
  'zoomRandom',
  'skew',
  'skewTilt',
  'skewCorner',
  'perspective',
  'randomDistortion',
  'gaussianDistortion',
  'cropRandom',
] as const;

for (const name of withoutCorners) {
  test(`${name} never shows an empty corner`, async () => {
    for (const [width, height] of [
      [60, 60],
      [80, 31],
      [31, 80],
      [200, 20],
      [9, 9],
    ] as const) {
      const white = pictureOf(width, height, () => [255, 255, 255]);
      for (let seed = 0; seed < 12; seed++) {
        const random = seedrandom(String(seed));
        const [step] = parsePipeline([name]);
        const changes = [step?.operation.sample(random, step.parameters as never, white) ?? []].flat();
        for (const change of changes) assert.ok(change.kind === 'geometry' && !change.fill);
        // A black frame around it would be seen wherever a place outside is looked up.
        const framed = pictureOf(width + 2, height + 2, (x, y) =>
          x > 0 && y > 0 && x <= width && y <= height ? [255, 255, 255] : [0, 0, 0],
        );
        assert.ok((await render(white, changes)).data.every((value) => value === 255));
        const inFrame = changes.map((change) =>
          change.kind === 'geometry'
            ? {
                ...change,
                stages: [
                  ...change.stages,
                  { kind: 'matrix' as const, matrix: [1, 0, 1, 0, 1, 1, 0, 0, 1] as never },
                ],
              }
            : change,
        );
        const seen = redsOf(await render(framed, inFrame));
        // Edges are half a pixel from the frame; anything darker than that has looked beyond.
        assert.ok(Math.min(...seen.flat()) >= 60, `${width}x${height}, seed ${seed}`);
      }
    }
  });
}

const settingsOfEach = operations.map(({ name }) => name);

test('every operation works on the smallest pictures', async () => {
  for (const name of settingsOfEach.filter((name) => name !== 'mixup' && name !== 'cutmix')) {
    for (const [width, height] of [
      [1, 1],
      [2, 3],
      [1, 40],
      [40, 1],
    ] as const) {
      for (let seed = 0; seed < 5; seed++) {
        const random = seedrandom(String(seed));
        const picture = pictureOf(width, height, () => [9, 9, 9]);
        const result = await apply(name as 'zoom', picture, Array.from({ length: 9000 }, random));
        assert.ok(result.width > 0 && result.height > 0);
        assert.equal(result.data.length, result.width * result.height * 3, `${name} ${width}x${height}`);
      }
    }
  }
});

test('the same random numbers make the same picture, whatever the operation and the size', () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...settingsOfEach.filter((name) => name !== 'mixup' && name !== 'cutmix')),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer(),
      async (name, width, height, seed) => {
        const picture = smoothPicture(width, height);
        const before = Buffer.from(picture.data);
        const random = Array.from({ length: 9000 }, seedrandom(String(seed)));
        const first = await apply(name as 'zoom', picture, random);
        const second = await apply(name as 'zoom', picture, random);
        assert.deepEqual(first, second);
        assert.deepEqual(picture.data, before);
      },
    ),
    { numRuns: 150 },
  ));

test('every operation and parameter is described, and accepts its default', () => {
  for (const { name, summary, probability, parameters } of operations) {
    assert.match(name, /^[a-z][a-zA-Z0-9]+$/);
    assert.ok(summary.length > 5 && probability >= 0 && probability <= 1, name);
    for (const [key, parameter] of Object.entries(parameters)) {
      assert.ok(parameter.accepts(parameter.default), `${name}.${key}`);
      assert.ok(parameter.meaning && parameter.allowed, `${name}.${key}`);
    }
  }
});
