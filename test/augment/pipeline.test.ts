import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describePipeline, parsePipeline, samplePipeline } from '../../src/augment/pipeline.ts';
import { findOperation, type OperationSetting, operations } from '../../src/augment/registry.ts';
import { render, renderMask } from '../../src/augment/render.ts';
import { settings } from '../../src/config/settings.ts';
import { UsageError } from '../../src/errors.ts';
import { differenceOf, pictureOf, redsOf, smoothPicture } from '../helpers/pixels.ts';

const wrong: [setting: unknown, message: RegExp][] = [
  ['rotat', /^There is no operation "rotat"; did you mean rotate\? \(augmentOperations\)$/],
  ['melt', /^operation must be one of autoContrast, .*zoomRandom; received "melt" \(augmentOperations\)\.$/],
  [{ operation: 'melt' }, /operation must be .*; received "melt" /],
  [{ maxLeft: 3 }, /operation must be .*; received undefined /],
  [null, /operation must be .*; received null /],
  [
    { operation: 'rotate', degrees: 3 },
    /^rotate has no parameter "degrees"; it has probability, maxLeft, maxRight \(augmentOperations\)\.$/,
  ],
  [
    { operation: 'rotate', maxLeft: 181 },
    /rotate\.maxLeft must be a number from 0 to 180; received 181 \(augmentOperations\)\./,
  ],
  [{ operation: 'rotate', maxLeft: '10' }, /rotate\.maxLeft must be .*; received "10" /],
  [{ operation: 'rotate', maxLeft: Number.NaN }, /rotate\.maxLeft must be .*; received NaN /],
  [
    { operation: 'rotate', probability: 1.1 },
    /rotate\.probability must be a number from 0 to 1; received 1\.1 \(/,
  ],
  [{ operation: 'rotate', probability: 'often' }, /rotate\.probability must be .*; received "often" /],
  [
    { operation: 'zoom', minFactor: 2, maxFactor: 1.5 },
    /zoom\.minFactor must be at most maxFactor, which is 1\.5; received 2 /,
  ],
  [{ operation: 'zoom', minFactor: 0 }, /zoom\.minFactor must be a number from 0\.1 to 10; received 0 /],
  [
    { operation: 'randomDistortion', gridWidth: 2.5 },
    /gridWidth must be a whole number from 2 to 64; received 2\.5 /,
  ],
  [
    { operation: 'gaussianDistortion', corner: 'ul' },
    /corner must be one of bell, upperLeft.*; received "ul"/,
  ],
  [{ operation: 'rotateWithoutCrop', fill: 'red' }, /fill must be "edge" .* "#rrggbb"; received "red"/],
  [{ operation: 'rotateWithoutCrop', expand: 1 }, /expand must be true or false; received 1 /],
  [{ operation: 'cutout', fill: 'edge' }, /fill must be a colour .*; received "edge"/],
];

for (const [setting, message] of wrong) {
  test(`a wrong operation is one clear line: ${JSON.stringify(setting)}`, () => {
    assert.throws(
      () => parsePipeline([setting]),
      (error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    );
  });
}

test('settings are typed', () => {
  const typed: OperationSetting[] = ['rotate', { operation: 'zoom', probability: 0.25, maxFactor: 2 }];
  // @ts-expect-error rotate has no factor
  typed.push({ operation: 'rotate', maxFactor: 2 });
  // @ts-expect-error there is no such operation
  typed.push('melt');
  // @ts-expect-error zoom has no centre, in either spelling
  typed.push({ operation: 'zoom', center: true });
  assert.equal(parsePipeline(typed.slice(0, 2)).length, 2);
});

const spellings: [american: OperationSetting, ours: OperationSetting][] = [
  ['color', 'colour'],
  ['cropCenter', 'cropCentre'],
  ['grayscale', 'greyscale'],
  ['histogramEqualization', 'histogramEqualisation'],
  ['jpegArtifacts', 'jpegArtefacts'],
  ['posterize', 'posterise'],
  ['solarize', 'solarise'],
  [
    { operation: 'cropBySize', center: false },
    { operation: 'cropBySize', centre: false },
  ],
  [
    { operation: 'cropCenter', randomize: true, probability: 1 },
    { operation: 'cropCentre', randomise: true, probability: 1 },
  ],
];

for (const [american, ours] of spellings) {
  test(`${JSON.stringify(american)} is the same operation as ${JSON.stringify(ours)}`, () => {
    assert.deepEqual(describePipeline(parsePipeline([american])), describePipeline(parsePipeline([ours])));
    assert.deepEqual(settings.augmentOperations.parse([american]), [ours]);
    assert.deepEqual(settings.augmentClasses.parse({ bat: [american] }), { bat: [ours] });
  });
}

test('a probability is kept exactly: no rounding to tenths', () => {
  for (const probability of [0, 0.04, 0.5, 0.96, 1]) {
    const pipeline = parsePipeline([{ operation: 'invert', probability }]);
    let done = 0;
    for (let copy = 0; copy < 3000; copy++) {
      done += samplePipeline(pipeline, `1/${copy}`, { width: 9, height: 9 }).length;
    }
    const deviation = Math.sqrt(3000 * probability * (1 - probability));
    assert.ok(Math.abs(done - 3000 * probability) <= 4 * deviation, `${probability}: ${done}`);
  }
});

test('an operation chooses the same, whatever else is in the pipeline', () => {
  const size = { width: 40, height: 30 };
  const alone = samplePipeline(parsePipeline([{ operation: 'rotate', probability: 1 }]), 'key', size);
  const among = samplePipeline(
    parsePipeline(['invert', { operation: 'rotate', probability: 1 }, 'brightness']),
    'key',
    size,
  );
  assert.deepEqual(
    among.filter(({ kind }) => kind === 'geometry'),
    alone,
  );
});

test('the same operation twice chooses twice', () => {
  const rotate = { operation: 'rotate', probability: 1 } as const;
  const [first, second] = samplePipeline(parsePipeline([rotate, rotate]), 'key', { width: 9, height: 9 });
  assert.notDeepEqual(first, second);
});

const geometric = operations
  .filter(({ name, parameters }) => !('factor' in parameters) && !['resize', 'cropBySize'].includes(name))
  .map(({ name }) => name)
  .filter((name) =>
    samplePipeline(parsePipeline([{ operation: name, probability: 1 }]), 'key', {
      width: 60,
      height: 50,
    }).some(({ kind }) => kind === 'geometry'),
  )
  .filter((name) => !['trivialAugment', 'randAugment'].includes(name));

/** Grey corners stand out from the picture less than black ones, so that their edges count for less. */
function greyFill(name: string): { fill?: string } {
  const operation = operations.find((one) => one.name === name);
  return operation && 'fill' in operation.parameters ? { fill: '#808080' } : {};
}

test('geometry in one pass is what it is in several', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...geometric), { minLength: 2, maxLength: 4 }),
      fc.integer(),
      async (names, seed) => {
        const pipeline = parsePipeline(
          names.map((operation) => ({ operation, probability: 1, ...greyFill(operation) })),
        );
        const picture = smoothPicture(60, 50);
        const changes = samplePipeline(pipeline, String(seed), picture);
        const once = await render(picture, changes);
        let several = picture;
        for (const change of changes) several = await render(several, [change]);
        assert.deepEqual([once.width, once.height], [several.width, several.height]);
        const { mean } = differenceOf(once, several);
        // Edges of filled corners fall differently by less than a pixel; all else is smooth.
        assert.ok(mean < 3, `${names}: ${mean}`);
      },
    ),
    { numRuns: 200 },
  ));

test('values that follow each other are one table, and equal to the sequence', async () => {
  const picture = pictureOf(16, 16, (x, y) => [x * 16 + y, 255 - x * y, y * 15]);
  const names = [
    'invert',
    'brightness',
    'posterise',
    'contrast',
    'solarise',
    'autoContrast',
    'flipLeftRight',
  ];
  const pipeline = parsePipeline(names.map((operation) => ({ operation, probability: 1 })));
  const changes = samplePipeline(pipeline, 'key', picture);
  let several = picture;
  for (const change of changes) several = await render(several, [change]);
  assert.deepEqual(await render(picture, changes), several);
});

test('different fills stay different', async () => {
  const white = pictureOf(20, 20, () => [255, 255, 255]);
  const fill = (fill: `#${string}`) => ({ operation: 'shift', probability: 1, vertical: 0, fill }) as const;
  const pipeline = parsePipeline([fill('#ff0000'), fill('#0000ff')]);
  const seen = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const { data } = await render(white, samplePipeline(pipeline, String(seed), white));
    for (let at = 0; at < data.length; at += 3) seen.add(data.subarray(at, at + 3).toString('hex'));
  }
  assert.deepEqual([...seen].sort(), ['0000ff', 'ff0000', 'ffffff']);
});

test('a mask follows the geometry, and keeps its values', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...operations.map(({ name }) => name)), { minLength: 1, maxLength: 4 }),
      fc.integer(),
      async (names, seed) => {
        const chosen = names.filter((name) => !findOperation(name)?.mixes);
        const pipeline = parsePipeline(chosen.map((operation) => ({ operation, probability: 1 })));
        // A disc, in the picture and in the mask.
        const isDisc = (x: number, y: number) => Math.hypot(x - 30, y - 20) < 14;
        const picture = pictureOf(60, 40, (x, y) => (isDisc(x, y) ? [255, 255, 255] : [0, 0, 0]));
        const data = Uint8Array.from({ length: 2400 }, (_, i) =>
          isDisc(i % 60, Math.floor(i / 60)) ? 7 : 3,
        );
        const changes = samplePipeline(pipeline, String(seed), picture);
        const mask = renderMask({ data, width: 60, height: 40, bytesPerPixel: 1 }, changes, picture);
        const moved = await render(
          picture,
          changes.filter(({ kind }) => kind === 'geometry'),
        );
        assert.deepEqual([mask.width, mask.height], [moved.width, moved.height]);
        const reds = redsOf(moved).flat();
        let wrong = 0;
        for (const [i, value] of mask.data.entries()) {
          assert.ok([0, 3, 7].includes(value));
          const red = reds[i] as number;
          if ((red > 200 && value !== 7) || (red < 55 && value === 7)) wrong++;
        }
        assert.ok(wrong <= mask.data.length * 0.02, `${chosen}: ${wrong} of ${mask.data.length}`);
      },
    ),
    { numRuns: 150 },
  ));

test('a mask of another size follows too', () => {
  const picture = { width: 10, height: 10 };
  const changes = samplePipeline(
    parsePipeline([{ operation: 'flipLeftRight', probability: 1 }]),
    'k',
    picture,
  );
  const data = Uint8Array.from({ length: 400 }, (_, i) => (i % 20 < 6 ? 1 : 0));
  const mask = renderMask({ data, width: 20, height: 20, bytesPerPixel: 1 }, changes, picture);
  assert.deepEqual([...mask.data.subarray(0, 10)], [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
});
