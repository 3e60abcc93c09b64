import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { augmentAll, cleanAugmented } from '../../src/augment/augment.ts';
import { readSoftLabels } from '../../src/images/soft_labels.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { plain } from '../helpers/plain.ts';

const flip = [{ operation: 'flipLeftRight', probability: 1 }] as const;

/** Red on the left, blue on the right, in the ways that pictures are stored. */
function twoColours(): Sharp {
  const half = (background: string) => plain(background, 32, 64);
  return half('#c00000').extend({ right: 32, background: '#0000c0' });
}

const kinds: Record<string, () => Promise<Buffer>> = {
  'rgb.jpg': async () => twoColours().jpeg({ quality: 95 }).toBuffer(),
  'rgba.png': async () => {
    const opaque = await twoColours().png().toBuffer();
    // Transparent below: white.
    return sharp(opaque)
      .ensureAlpha()
      .extend({ bottom: 64, background: { r: 0, g: 0, b: 0, alpha: 0 } })
      .png()
      .toBuffer();
  },
  'palette.png': async () =>
    sharp(await twoColours().png().toBuffer())
      .png({ palette: true })
      .toBuffer(),
  'palette.gif': async () =>
    sharp(await twoColours().png().toBuffer())
      .gif()
      .toBuffer(),
  'cmyk.jpg': async () =>
    sharp(await twoColours().png().toBuffer())
      .toColourspace('cmyk')
      .jpeg({ quality: 95 })
      .toBuffer(),
  'deep.png': async () =>
    sharp(await twoColours().png().toBuffer())
      .toColourspace('rgb16')
      .png()
      .toBuffer(),
  'turned.jpg': async () =>
    sharp(await twoColours().png().toBuffer())
      .rotate(90)
      .withMetadata({ orientation: 8 })
      .jpeg({ quality: 95 })
      .toBuffer(),
};

for (const [name, make] of Object.entries(kinds)) {
  test(`${name} keeps its colours and is mirrored`, async () => {
    const rawData = join(temporaryFolder(), 'rawdata');
    await mkdir(join(rawData, 'a'), { recursive: true });
    const source = await make();
    await writeFile(join(rawData, 'a', name), source);
    const report = await augmentAll({ rawData, target: 2, operations: flip, seed: 1, workers: 1 });
    assert.equal(report.made, 1);
    const copy = sharp(join(rawData, 'a', `${name}.aug-0001.jpg`));
    const { data, info } = await copy.raw().toBuffer({ resolveWithObject: true });
    assert.equal(info.channels, 3);
    const [left, right] = [8, 56].map((x) => [
      ...data.subarray((32 * info.width + x) * 3, (32 * info.width + x) * 3 + 3),
    ]);
    const [red, blue] = [right, left] as [number[], number[]];
    // CMYK goes by way of a printer's profile.
    const most = name === 'cmyk.jpg' ? 90 : 40;
    for (const [colour, high, low] of [
      [red, 0, 2],
      [blue, 2, 0],
    ] as const) {
      assert.ok((colour[high] as number) > 110 && (colour[low] as number) < most, `${name}: ${red}, ${blue}`);
    }
    if (name === 'rgba.png') assert.ok([...data.subarray(-3)].every((value) => value > 245));
    assert.deepEqual(await readFile(join(rawData, 'a', name)), source);
  });
}

for (const [name, space] of [
  ['grey.png', 'b-w'],
  ['grey16.png', 'grey16'],
] as const) {
  test(`${name} is the same grey in three channels`, async () => {
    const rawData = join(temporaryFolder(), 'rawdata');
    await mkdir(join(rawData, 'a'), { recursive: true });
    const grey = plain('#646464', 8);
    await grey
      .toColourspace(space)
      .png()
      .toFile(join(rawData, 'a', name));
    await augmentAll({ rawData, target: 2, operations: flip, seed: 1, workers: 1 });
    const { data, info } = await sharp(join(rawData, 'a', `${name}.aug-0001.jpg`))
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.equal(info.channels, 3);
    assert.ok(
      data.every((value) => Math.abs(value - 100) <= 2),
      `${data.subarray(0, 9)}`,
    );
  });
}

async function twoClasses(): Promise<string> {
  const folder = temporaryFolder();
  for (const [name, icons] of [
    ['animal', ['bat', 'bear', 'cow']],
    ['food', ['pizza', 'taco']],
  ] as const) {
    await mkdir(join(folder, 'rawdata', name), { recursive: true });
    for (const icon of icons) await emoji(icon).toFile(join(folder, 'rawdata', name, `${icon}.png`));
  }
  return folder;
}

test('a source whose pixels turn out to be damaged is reported, and its copies made up for by others', async () => {
  const rawData = join(await twoClasses(), 'rawdata');
  const whole = await emoji('dog').toBuffer();
  await writeFile(join(rawData, 'animal', 'damaged.png'), whole.subarray(0, whole.length / 2));
  const options = { rawData, target: 12, operations: ['rotate', 'zoom'] as const, seed: 2, workers: 2 };
  const report = await augmentAll(options);
  assert.match(report.unreadable[0]?.file ?? '', /damaged\.png$/);
  assert.deepEqual(report.classes[0], { name: 'animal', sources: 3, generated: 9 });
  const names = readdirSync(join(rawData, 'animal')).sort();
  assert.ok(!names.some((name) => name.startsWith('damaged.png.')));

  const again = await augmentAll(options);
  assert.deepEqual([again.made, again.kept, again.removed], [0, report.made, 0]);

  const without = join(await twoClasses(), 'rawdata');
  await augmentAll({ ...options, rawData: without });
  for (const name of readdirSync(join(without, 'animal'))) {
    assert.deepEqual(
      await readFile(join(rawData, 'animal', name)),
      await readFile(join(without, 'animal', name)),
    );
  }
});

test('a class may have a pipeline of its own', async () => {
  const rawData = join(await twoClasses(), 'rawdata');
  const options = { rawData, target: 6, operations: flip, seed: 1, workers: 1 };
  await augmentAll({ ...options, classes: { food: [{ operation: 'invert', probability: 1 }] } });
  const first = await sharp(join(rawData, 'food', 'pizza.png.aug-0001.jpg'))
    .raw()
    .toBuffer();
  // A white ground inverted.
  assert.ok((first[0] as number) < 10);
  const other = await sharp(join(rawData, 'animal', 'bat.png.aug-0001.jpg'))
    .raw()
    .toBuffer();
  assert.ok((other[0] as number) > 245);
  await assert.rejects(
    augmentAll({ ...options, classes: { fod: ['invert'] } }),
    /has no class "fod"; it has animal, food/,
  );
  await assert.rejects(
    augmentAll({ ...options, classes: { food: ['melt' as 'zoom'] } }),
    /received "melt" \(augmentClasses\.food\)/,
  );
});

test('masks are varied with their pictures, beside their own, and cleaned with them', async () => {
  const folder = await twoClasses();
  const rawData = join(folder, 'rawdata');
  const masks = join(folder, 'masks');
  const sources = [
    ['animal', 'bat'],
    ['animal', 'bear'],
    ['animal', 'cow'],
    ['food', 'pizza'],
    ['food', 'taco'],
  ];
  for (const [name, icon] of sources as [string, string][]) {
    await mkdir(join(masks, name), { recursive: true });
    // What is not white, numbered 300 in 16 bits.
    const pixels = await emoji(icon).raw().toBuffer();
    const data = Uint16Array.from({ length: 64 * 64 }, (_, i) =>
      Math.min(...pixels.subarray(i * 3, i * 3 + 3)) < 250 ? 300 : 0,
    );
    const image = sharp(data, { raw: { width: 64, height: 64, channels: 1 } });
    await image
      .toColourspace('grey16')
      .png()
      .toFile(join(masks, name, `${icon}.png`));
  }
  const operations = ['rotate', 'zoom', 'invert', 'flipLeftRight'].map((operation) => ({
    operation: operation as 'zoom',
    probability: 1,
  }));
  const options = { rawData, masks, target: 6, operations, seed: 4, workers: 2 };
  const { made } = await augmentAll(options);
  assert.equal(made, 7);
  const mask = await sharp(join(masks, 'animal', 'bat.png.aug-0001.png'))
    .toColourspace('grey16')
    .raw({ depth: 'ushort' })
    .toBuffer();
  const picture = await sharp(join(rawData, 'animal', 'bat.png.aug-0001.jpg'))
    .raw()
    .toBuffer();
  const values = new Uint16Array(mask.buffer, mask.byteOffset, mask.length / 2);
  let wrong = 0;
  for (const [i, value] of values.entries()) {
    assert.ok(value === 0 || value === 300);
    // The ground is black now, being inverted.
    const ground = Math.max(...picture.subarray(i * 3, i * 3 + 3)) < 40;
    if (ground === (value === 300)) wrong++;
  }
  assert.ok(wrong < values.length * 0.06, `${wrong} of ${values.length}`);
  assert.equal((await augmentAll(options)).made, 0);
  assert.equal(await cleanAugmented(rawData, masks), 7);
  assert.deepEqual(readdirSync(join(masks, 'animal')).sort(), ['bat.png', 'bear.png', 'cow.png']);
});

test('a source without a mask, or with one of another shape, is reported and left out', async () => {
  const folder = await twoClasses();
  const rawData = join(folder, 'rawdata');
  const masks = join(folder, 'masks');
  await mkdir(join(masks, 'animal'), { recursive: true });
  await mkdir(join(masks, 'food'), { recursive: true });
  for (const file of ['animal/bat.png', 'food/pizza.png', 'food/taco.png'])
    await emoji('cow').toFile(join(masks, file));
  await emoji('cow').resize(64, 32, { fit: 'fill' }).toFile(join(masks, 'animal/bear.png'));
  const options = { rawData, masks, target: 6, operations: flip, seed: 4, workers: 1 };
  const report = await augmentAll(options);
  assert.deepEqual(report.classes[0], { name: 'animal', sources: 1, generated: 5 });
  assert.match(report.unreadable[0]?.reason ?? '', /its mask .*bear\.png is 64 x 32, another shape/);
  assert.match(report.unreadable[1]?.reason ?? '', /has no mask in/);
  await emoji('cow').webp().toFile(join(masks, 'animal/bat.webp'));
  await assert.rejects(augmentAll(options), /bat\.png and animal\/bat\.webp are both the mask/);
});

test('mixing shares the label, says so, and is the same whatever the workers', async () => {
  const made = [];
  for (const workers of [1, 3]) {
    const rawData = join(await twoClasses(), 'rawdata');
    const operations = [
      { operation: 'mixup', probability: 0.6 },
      { operation: 'cutmix', probability: 0.6 },
    ] as const;
    await augmentAll({ rawData, target: 12, operations, seed: 1, workers });
    const labels = await readSoftLabels(rawData);
    const files = readdirSync(rawData, { recursive: true })
      .map(String)
      .filter((name) => name.includes('.aug-'))
      .sort();
    made.push({ labels, pictures: await Promise.all(files.map((file) => readFile(join(rawData, file)))) });
  }
  assert.deepEqual(made[0], made[1]);
  const labels = Object.entries(made[0]?.labels ?? {});
  assert.ok(labels.length > 10 && labels.length < 19, String(labels.length));
  assert.ok(labels.some(([, { shares }]) => Object.keys(shares).length === 2));
  for (const [file, { shares, sources }] of labels) {
    assert.ok(file.startsWith(`${sources[0]}.aug-`));
    assert.ok(sources.length > 1 && sources.slice(1).every((source) => source !== sources[0]));
    assert.ok(Math.abs(Object.values(shares).reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
  }
});

test('a mixed picture is as much of the other as its label says', async () => {
  const rawData = join(temporaryFolder(), 'rawdata');
  for (const [name, background] of [
    ['black', '#000000'],
    ['white', '#ffffff'],
  ]) {
    await mkdir(join(rawData, name as string), { recursive: true });
    const picture = plain(background as string, 40);
    await picture.png().toFile(join(rawData, name as string, '1.png'));
  }
  for (const operation of ['mixup', 'cutmix'] as const) {
    await augmentAll({
      rawData,
      target: 12,
      operations: [{ operation, probability: 1, alpha: 1 }],
      seed: 1,
      workers: 1,
    });
    for (const [file, { shares }] of Object.entries(await readSoftLabels(rawData))) {
      const { data } = await sharp(join(rawData, file)).raw().toBuffer({ resolveWithObject: true });
      const mean = data.reduce((sum, value) => sum + value, 0) / data.length / 255;
      assert.ok(
        Math.abs(mean - (shares.white ?? 0)) < 0.04,
        `${operation} ${file}: ${mean}, not ${shares.white}`,
      );
    }
  }
  await assert.rejects(
    augmentAll({ rawData, target: 3, operations: ['mixup'], seed: 1, workers: 1, masks: rawData }),
    /masks cannot follow/,
  );
});
