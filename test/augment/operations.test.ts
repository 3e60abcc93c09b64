import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import type { Change, MixChange } from '../../src/augment/operation.ts';
import type { Picture } from '../../src/augment/picture.ts';
import { parsePipeline } from '../../src/augment/pipeline.ts';
import type { Random } from '../../src/augment/random.ts';
import { type OperationSetting, operations } from '../../src/augment/registry.ts';
import { render } from '../../src/augment/render.ts';
import { differenceOf, greyOf, pictureOf, pixelOf, redsOf, smoothPicture } from '../helpers/pixels.ts';

// A new operation needs one row in one of these tables. Where none of them fits, give it a test of its own with
// checkOperation. pixels: whole pixels move; colours: one pixel's colour changes; placeCases: where pixels come from,
// between whole ones; withoutCorners: geometry that shows no empty corner.

function sample(setting: OperationSetting, picture: Picture, random: Random): Change[] {
  const [step] = parsePipeline([setting]);
  if (!step) throw new Error('no step');
  return [step.operation.sample(random, step.parameters as never, picture)].flat();
}

/** What an operation makes of a picture where its random numbers are these, then 0.5. */
function apply(setting: OperationSetting, picture: Picture, numbers: number[] = []): Promise<Picture> {
  const rest = [...numbers];
  return render(
    picture,
    sample(setting, picture, () => rest.shift() ?? 0.5),
  );
}

/** Names of the operations that have a test of their own. */
const tested = new Set<string>();

function checkOperation(
  setting: OperationSetting,
  { picture, numbers = [], does }: { picture: Picture; numbers?: number[]; does: string },
  check: (result: Picture) => void,
): void {
  tested.add(typeof setting === 'string' ? setting : setting.operation);
  const chance = numbers.length > 0 ? ` with ${JSON.stringify(numbers.slice(0, 8))}` : '';
  test(`${JSON.stringify(setting)}${chance}: ${does}`, async () =>
    check(await apply(setting, picture, numbers)));
}

/** Just below 1, the largest that a random number can be. */
const most = 1 - 2 ** -32;

const numbered = greyOf([
  [10, 20, 30],
  [40, 50, 60],
]);

/** What becomes of the numbered picture where whole pixels move, row by row. */
const pixels: [setting: OperationSetting, numbers: number[], expected: string][] = [
  ['flipLeftRight', [], '30 20 10 / 60 50 40'],
  ['flipTopBottom', [], '40 50 60 / 10 20 30'],
  ['flipRandom', [0], '30 20 10 / 60 50 40'],
  ['flipRandom', [0.9], '40 50 60 / 10 20 30'],
  ['rotate90', [], '30 60 / 20 50 / 10 40'],
  ['rotate180', [], '60 50 40 / 30 20 10'],
  ['rotate270', [], '40 10 / 50 20 / 60 30'],
  ['rotateRandom90', [0], '30 60 / 20 50 / 10 40'],
  ['rotateRandom90', [0.5], '60 50 40 / 30 20 10'],
  ['rotateRandom90', [most], '40 10 / 50 20 / 60 30'],
  [{ operation: 'rotate', maxLeft: 180, maxRight: 180 }, [0], '60 50 40 / 30 20 10'],
  [{ operation: 'rotate', maxRight: 0, maxLeft: 0 }, [0.3], '10 20 30 / 40 50 60'],
  [{ operation: 'rotateWithoutCrop', maxLeft: 90, expand: true }, [0], '30 60 / 20 50 / 10 40'],
  [{ operation: 'rotateWithoutCrop', maxRight: 90, expand: true }, [1], '40 10 / 50 20 / 60 30'],
  [{ operation: 'shift', horizontal: 0.34, vertical: 0 }, [1], '10 10 20 / 40 40 50'],
  [{ operation: 'shift', horizontal: 0.34, vertical: 0 }, [0], '20 30 30 / 50 60 60'],
  [{ operation: 'shift', horizontal: 0, vertical: 0.5, fill: '#070707' }, [0.5, 1], '7 7 7 / 10 20 30'],
  [{ operation: 'cropBySize', width: 1, height: 1 }, [], '20'],
  [{ operation: 'cropBySize', width: 2, height: 1, centre: false }, [most, most], '50 60'],
  [{ operation: 'cropBySize', width: 4, height: 1 }, [], '10 20 30 / 40 50 60'],
  [{ operation: 'cropCentre', side: 0.5 }, [], '20'],
  [{ operation: 'cropRandom', side: 0.7 }, [0, most], '40 50'],
  [{ operation: 'cropCentre', side: 0.9, randomise: true }, [0], '20'],
  [{ operation: 'resize', width: 3, height: 2 }, [], '10 20 30 / 40 50 60'],
  [{ operation: 'resize', width: 3, height: 1 }, [], '25 35 45'],
  [{ operation: 'resize', width: 6, height: 2 }, [], '10 13 18 23 28 30 / 40 43 48 53 58 60'],
  [{ operation: 'scale', factor: 0.5 }, [], '35'],
  [{ operation: 'zoom', minFactor: 1, maxFactor: 1 }, [], '10 20 30 / 40 50 60'],
];

for (const [setting, numbers, expected] of pixels) {
  checkOperation(setting, { picture: numbered, numbers, does: expected }, (result) => {
    const rows = redsOf(result).map((row) => row.join(' '));
    assert.equal(rows.join(' / '), expected);
  });
}

const coloured = pictureOf(
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

/** hsvShift that changes nothing. */
const hsv = {
  operation: 'hsvShift',
  hueShift: 0,
  saturationScale: 0,
  saturationShift: 0,
  valueScale: 0,
  valueShift: 0,
} as const;

/** What becomes of the first pixel, 100 150 200 (luma 140.75); the picture's mean luma is 121. */
const colours: [setting: OperationSetting, numbers: number[], expected: [number, number, number]][] = [
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
  [hsv, [], [100, 150, 200]],
  // Hue 210 degrees turned by a third, to 330: 200 100 150.
  [{ ...hsv, hueShift: 1 / 3 }, [1], [200, 100, 150]],
  [{ ...hsv, hueShift: 1 / 3 }, [0], [150, 200, 100]],
  [{ ...hsv, saturationShift: 1 }, [0.5, 0.5, 0], [200, 200, 200]],
  [{ ...hsv, valueShift: 0.2 }, [0.5, 0.5, 0.5, 0.5, 0], [75, 112, 149]],
];

for (const [setting, numbers, expected] of colours) {
  checkOperation(setting, { picture: coloured, numbers, does: expected.join(' ') }, (result) => {
    const found = pixelOf(result, 0, 0);
    for (const channel of [0, 1, 2] as const)
      assert.ok(Math.abs((found[channel] as number) - expected[channel]) <= 1, `${found}`);
  });
}

/** A picture that says where its pixels come from: red across, green down, of 200. */
const places = pictureOf(100, 50, (x, y) => [x * 2, y * 4, 0].map((value) => Math.min(255, value)));

type Place = [across: number, down: number];

function placeOf(picture: Picture, x: number, y: number): Place {
  const [red, green] = pixelOf(picture, x, y) as [number, number];
  return [red / 2, green / 4];
}

function assertNear(found: Place, expected: Place, tolerance = 1): void {
  const distance = Math.hypot(found[0] - expected[0], found[1] - expected[1]);
  assert.ok(distance <= tolerance, `${found} instead of ${expected}`);
}

/** Where rotate by 10 degrees clockwise gets a pixel from: what is at the top comes from the left. */
function turnedBack(x: number, y: number): Place {
  const angle = (10 * Math.PI) / 180;
  const zoom = Math.cos(angle) + 2 * Math.sin(angle);
  const [dx, dy] = [(x + 0.5 - 50) / zoom, (y + 0.5 - 25) / zoom];
  return [
    50 + Math.cos(angle) * dx + Math.sin(angle) * dy - 0.5,
    25 - Math.sin(angle) * dx + Math.cos(angle) * dy - 0.5,
  ];
}

/** Where pixels come from. */
const placeCases: {
  setting: OperationSetting;
  numbers: number[];
  from: [x: number, y: number, across: number, down: number][];
  /** Pixels. */
  tolerance?: number;
}[] = [
  {
    setting: { operation: 'rotate', maxLeft: 0, maxRight: 10 },
    numbers: [1],
    from: [
      [50, 25, ...turnedBack(50, 25)],
      [10, 10, ...turnedBack(10, 10)],
      [90, 40, ...turnedBack(90, 40)],
    ],
  },
  {
    // The left side, by a tenth of the longer side, up and down: there 50 of 70 pixels are seen, from a seventh on.
    setting: { operation: 'skewLeftRight', magnitude: 0.1 },
    numbers: [1, 0],
    from: [
      [99, 0, 99, 0],
      [99, 49, 99, 49],
      [0, 0, 0, 50 / 7],
      [0, 49, 0, 50 - 50 / 7 - 1],
    ],
    tolerance: 1.5,
  },
  {
    // The upper side, by 10 pixels to the left and to the right: there 100 of 120 pixels are seen.
    setting: { operation: 'skewTopBottom', magnitude: 0.1 },
    numbers: [1, 0],
    from: [
      [0, 49, 0, 49],
      [99, 49, 99, 49],
      [0, 0, 100 / 12, 0],
      [99, 0, 99 - 100 / 12, 0],
    ],
    tolerance: 1.5,
  },
  {
    setting: { operation: 'skewCorner', magnitude: 0.1 },
    numbers: [1, most],
    from: [
      [99, 0, 99, 0],
      [0, 0, 0, 0],
      [99, 49, 99, 49],
      [0, 49, 0, 40.5],
    ],
  },
  {
    setting: { operation: 'perspective', magnitude: 0.4 },
    numbers: [1, 1, 0, 0, 0.5, 0.5, 1, 0],
    from: [
      [0, 0, 20, 10],
      [99, 0, 99, 0],
      [99, 49, 89, 44],
      [0, 49, 20, 49],
    ],
    tolerance: 1.5,
  },
  {
    // Half of 45 degrees along the width: the lower edge is moved by tan(22.5) x 50 = 20.7 pixels.
    setting: { operation: 'shear', maxLeft: 0, maxRight: 45 },
    numbers: [0.5, 0.9],
    from: [
      [0, 0, 0, 0],
      [0, 49, 20.5, 49],
      [99, 0, 78.5, 0],
      [99, 49, 99, 49],
    ],
  },
  {
    // The upper right quarter.
    setting: { operation: 'zoomRandom', side: 0.5 },
    numbers: [1, 0],
    from: [
      [0, 0, 49.75, 0],
      [99, 0, 99, 0],
    ],
  },
];

for (const { setting, numbers, from, tolerance } of placeCases) {
  checkOperation(setting, { picture: places, numbers, does: 'where pixels come from' }, (result) => {
    for (const [x, y, ...place] of from) assertNear(placeOf(result, x, y), place, tolerance);
  });
}

for (const setting of [
  { operation: 'randomDistortion', gridWidth: 4, gridHeight: 4, magnitude: 5 },
  { operation: 'gaussianDistortion', gridWidth: 4, gridHeight: 4, magnitude: 2, corner: 'bell' },
] as const) {
  const numbers = Array.from({ length: 99 }, seedrandom('distort'));
  const does = 'moves what is within the grid, at most so far, and never the edge';
  checkOperation(setting, { picture: places, numbers, does }, (result) => {
    let moved = 0;
    for (let x = 0; x < 100; x++) {
      for (const y of [0, 49]) assertNear(placeOf(result, x, y), [x, y], 2);
      const [across, down] = placeOf(result, x, 25);
      moved = Math.max(moved, Math.hypot(across - x, down - 25));
    }
    assert.ok(moved > 1 && moved < 9, String(moved));
  });
}

const ramp = pictureOf(3, 1, (x) => [50 + 50 * x, 7, x]);

checkOperation('autoContrast', { picture: ramp, does: 'stretches each colour to 0..255' }, ({ data }) => {
  assert.deepEqual([...data], [0, 7, 0, 127, 7, 127, 255, 7, 255]);
});

// A step is (1024 - 256) / 255 = 3 pixels; a value becomes the pixels before it, and half a step, in steps.
const bars = pictureOf(32, 32, (x) => Array(3).fill([20, 30, 31, 200][Math.floor(x / 8)]));

checkOperation(
  'histogramEqualisation',
  { picture: bars, does: 'makes values about as frequent' },
  (result) => {
    const [row] = redsOf(result);
    assert.deepEqual(
      [0, 8, 16, 24].map((x) => row?.[x]),
      [0, 85, 171, 255],
    );
  },
);

const flat = pictureOf(3, 3, () => [9, 9, 9]);

checkOperation('histogramEqualisation', { picture: flat, does: 'leaves one value' }, ({ data }) => {
  assert.deepEqual(data, flat.data);
});

const dot = greyOf([
  [0, 0, 0],
  [0, 130, 0],
  [0, 0, 0],
]);
/** The dot in the smoothed picture. */
const smooth = (130 * 5) / 13;

for (const [factor, expected] of [
  [0, smooth],
  [1.5, smooth + 1.5 * (130 - smooth)],
] as const) {
  const setting = { operation: 'sharpness', minFactor: factor, maxFactor: factor } as const;
  checkOperation(setting, { picture: dot, does: 'moves values away from the smoothed picture' }, (result) => {
    assert.deepEqual(redsOf(result), [
      [0, 0, 0],
      [0, expected, 0],
      [0, 0, 0],
    ]);
  });
}

const ring = pictureOf(20, 20, (x, y) =>
  Math.max(Math.abs(x - 9.5), Math.abs(y - 9.5)) < 5 ? [9, 9, 9] : [200, 200, 200],
);

checkOperation(
  { operation: 'zoom', minFactor: 2, maxFactor: 2 },
  { picture: ring, does: 'shows the middle, as large as the picture' },
  (result) => {
    assert.deepEqual([result.width, result.height], [20, 20]);
    const inner = redsOf(result)
      .slice(1, 19)
      .flatMap((row) => row.slice(1, 19));
    assert.ok(inner.every((value) => value === 9));
  },
);

checkOperation(
  { operation: 'cutout', side: 0.5, fill: '#ff0000' },
  { picture: coloured, numbers: [most, 0], does: 'fills one square' },
  (result) => {
    assert.deepEqual(pixelOf(result, 1, 0), [255, 0, 0]);
    assert.deepEqual(pixelOf(result, 0, 0), [100, 150, 200]);
    assert.deepEqual(pixelOf(result, 1, 1), [200, 40, 40]);
  },
);

const sevens = pictureOf(50, 40, () => [7, 7, 7]);

checkOperation(
  { operation: 'randomErasing', side: 0.4 },
  { picture: sevens, numbers: [1, 1, 0.5, 0.5, 0.3], does: 'fills one rectangle with random values' },
  (result) => {
    const reds = redsOf(result);
    const changed = reds.flatMap((row, y) =>
      row.flatMap((value, x) => (value === 7 ? [] : [{ x, y, value }])),
    );
    const inside = changed.every(({ x, y }) => x >= 15 && x < 35 && y >= 12 && y < 28);
    assert.ok(inside && changed.length > 300, `${changed.length}`);
    const mean = changed.reduce((sum, { value }) => sum + value, 0) / changed.length;
    assert.ok(mean > 110 && mean < 145, String(mean));
  },
);

checkOperation(
  { operation: 'noise', minDeviation: 10, maxDeviation: 10 },
  {
    picture: pictureOf(200, 200, () => [128, 128, 128]),
    numbers: Array.from({ length: 9000 }, seedrandom('noise')),
    does: 'has this deviation, and mean zero',
  },
  ({ data }) => {
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
    assert.ok(Math.abs(mean - 128) < 0.6, String(mean));
    assert.ok(Math.abs(Math.sqrt(variance) - 10) < 0.5, String(variance));
  },
);

const light = pictureOf(21, 21, (x, y) => Array(3).fill(x === 10 && y === 10 ? 250 : 0));

checkOperation(
  { operation: 'blur', minSigma: 1, maxSigma: 1 },
  { picture: light, does: 'spreads a dot and keeps its light' },
  (result) => {
    const middle = redsOf(result)[10]?.[10] as number;
    assert.ok(Math.abs(middle - 250 / (2 * Math.PI)) < 6, String(middle));
  },
);

const photo = smoothPicture(64, 64);

checkOperation(
  { operation: 'jpegArtefacts', minQuality: 5, maxQuality: 5 },
  { picture: photo, does: 'is near the picture, but not it' },
  (result) => {
    const { mean } = differenceOf(photo, result);
    assert.ok(mean > 0.5 && mean < 20, String(mean));
  },
);

/** Blends a white picture into a black one; the share of each copy that is left of the black one. */
async function mixIn(name: 'mixup' | 'cutmix', seed: string) {
  const size = { width: 80, height: 60 };
  const [black, white] = [0, 255].map((value) =>
    pictureOf(size.width, size.height, () => Array(3).fill(value)),
  );
  const changes = sample(name, black as Picture, seedrandom(seed));
  const { data } = await render(black as Picture, changes, async () => white as Picture);
  return { share: (changes[0] as MixChange).share, reds: [...data].filter((_, at) => at % 3 === 0) };
}

for (const name of ['mixup', 'cutmix'] as const) {
  tested.add(name);
  test(`${name} leaves of a picture the share that its label says`, async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { share, reds } = await mixIn(name, String(seed));
      const mean = reds.reduce((sum, value) => sum + value, 0) / reds.length;
      assert.ok(share >= 0 && share <= 1);
      assert.ok(Math.abs(mean / 255 - (1 - share)) < 0.02, `seed ${seed}: ${mean / 255}, ${share}`);
      const isCut = reds.every((value) => value === 0 || value === 255);
      const isEven = new Set(reds).size === 1;
      assert.ok(name === 'cutmix' ? isCut : isEven, `seed ${seed}`);
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

test('a Gaussian distortion is largest where its bell stands', async () => {
  const tries = Array.from({ length: 40 }, (_, i) => i);
  const movedAt = async (corner: 'upperLeft' | 'lowerRight', x: number, y: number) => {
    let sum = 0;
    for (const seed of tries) {
      const random = seedrandom(String(seed));
      const setting = { operation: 'gaussianDistortion', magnitude: 2, corner } as const;
      const [across, down] = placeOf(await apply(setting, places, Array.from({ length: 300 }, random)), x, y);
      sum += Math.hypot(across - x, down - y);
    }
    return sum / tries.length;
  };
  assert.ok((await movedAt('upperLeft', 13, 6)) > 3 * (await movedAt('upperLeft', 87, 43)));
  assert.ok((await movedAt('lowerRight', 87, 43)) > 3 * (await movedAt('lowerRight', 13, 6)));
});

for (const name of ['trivialAugment', 'randAugment']) tested.add(name);

test('policies do as many operations as their papers say', () => {
  const picture = smoothPicture(50, 40);
  const counts = { trivialAugment: new Set<number>(), randAugment: new Set<number>() };
  for (let seed = 0; seed < 100; seed++) {
    for (const name of ['trivialAugment', 'randAugment'] as const)
      counts[name].add(sample(name, picture, seedrandom(String(seed))).length);
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
  'skewLeftRight',
  'skewTopBottom',
  'skewCorner',
  'perspective',
  'randomDistortion',
  'gaussianDistortion',
  'cropRandom',
] as const;

for (const name of withoutCorners) {
  tested.add(name);
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
        const changes = sample(name, white, seedrandom(String(seed)));
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

const byThemselves = operations.filter((one) => !('mixes' in one)).map(({ name }) => name);

test('every operation has a test of its own', () => {
  const untested = operations.filter(({ name }) => !tested.has(name)).map(({ name }) => name);
  assert.deepEqual(untested, []);
});

test('every operation works on the smallest pictures', async () => {
  for (const name of byThemselves) {
    for (const [width, height] of [
      [1, 1],
      [2, 3],
      [1, 40],
      [40, 1],
    ] as const) {
      for (let seed = 0; seed < 5; seed++) {
        const random = seedrandom(String(seed));
        const picture = pictureOf(width, height, () => [9, 9, 9]);
        const result = await apply(name, picture, Array.from({ length: 9000 }, random));
        assert.ok(result.width > 0 && result.height > 0);
        assert.equal(result.data.length, result.width * result.height * 3, `${name} ${width}x${height}`);
      }
    }
  }
});

test('the same random numbers make the same picture, whatever the operation and the size', () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...byThemselves),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer(),
      async (name, width, height, seed) => {
        const picture = smoothPicture(width, height);
        const before = Buffer.from(picture.data);
        const random = Array.from({ length: 9000 }, seedrandom(String(seed)));
        const first = await apply(name, picture, random);
        const second = await apply(name, picture, random);
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
