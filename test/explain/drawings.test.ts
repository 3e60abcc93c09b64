import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { colourOf } from '../../src/explain/colours.ts';
import { addLegend, legendHeight } from '../../src/explain/legend.ts';
import { dotsOf, letteringWidth } from '../../src/explain/lettering.ts';
import { drawOverlay, enlargementFor } from '../../src/explain/overlay.ts';
import { drawSheet } from '../../src/explain/sheet.ts';
import { plain } from '../helpers/plain.ts';

test('the colours are those of viridis', () => {
  // matplotlib's table at its ends, quarters and middle.
  const published: [value: number, colour: number[]][] = [
    [0, [68, 1, 84]],
    [0.25, [59, 82, 139]],
    [0.5, [33, 145, 140]],
    [0.75, [94, 201, 98]],
    [1, [253, 231, 37]],
  ];
  for (const [value, expected] of published) {
    for (const [channel, part] of colourOf(value).entries())
      assert.ok(Math.abs(part - (expected[channel] as number)) <= 6, `${value}: ${colourOf(value)}`);
  }
});

test('letters are dots; a letter the font lacks is left blank', () => {
  const drawn = (text: string) => {
    const rows = Array.from({ length: 5 }, () => Array(letteringWidth(text)).fill(' '));
    for (const { x, y } of dotsOf(text)) (rows[y] as string[])[x] = '#';
    return rows.map((row) => row.join(''));
  };
  assert.deepEqual(drawn('1t'), [' #  ###', '##   # ', ' #   # ', ' #   # ', '###  # ']);
  assert.equal([...dotsOf('狐')].length, 0);
  assert.deepEqual(drawn('é'), drawn('e'));
  assert.equal(letteringWidth('conv1'), 19);
});

for (const [height, width, channels] of [
  [24, 24, 3],
  [100, 100, 3],
  [30, 90, 1],
  [500, 800, 3],
] as const) {
  test(`an overlay of ${height} x ${width} x ${channels} has at least 400 pixels a side, and colour where it is hot`, async () => {
    const enlargement = enlargementFor({ height, width });
    const heat = new Float32Array(height * width);
    // The upper left quarter.
    for (let y = 0; y < height / 2; y++) heat.fill(1, y * width, y * width + width / 2);
    const pixels = new Uint8Array(height * width * channels * enlargement ** 2).fill(100);
    const png = await drawOverlay(heat, pixels, { height, width, channels, enlargement });
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    assert.equal((await sharp(png).metadata()).format, 'png');
    assert.deepEqual([info.height, info.width], [height * enlargement, width * enlargement]);
    assert.ok(Math.min(info.height, info.width) >= 400);
    const at = (share: number) => {
      const index = Math.floor(info.height * share) * info.width + Math.floor(info.width * share);
      return [...data.subarray(index * info.channels, index * info.channels + 3)];
    };
    const [red, , blue] = at(0.25) as [number, number, number];
    assert.ok(red > 180 && blue < 80, `hot is ${at(0.25)}`);
    assert.deepEqual(at(0.75), [100, 100, 100]);
  });
}

test('a sheet shows every channel, all on one scale', async () => {
  const [height, width, channels] = [4, 6, 5];
  const values = new Float32Array(height * width * channels);
  // The last channel has the largest values, the first the smallest.
  for (const at of values.keys()) values[at] = (at % channels) - 2;
  const png = await drawSheet({ layer: 'conv1', height, width, channels, values });
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const count = (value: number) => {
    const colour = colourOf(value).join();
    let pixels = 0;
    for (let at = 0; at < data.length; at += info.channels) {
      if (data.subarray(at, at + 3).join() === colour) pixels++;
    }
    return pixels;
  };
  // 6 values become 96 pixels.
  for (let channel = 0; channel < channels; channel++) assert.equal(count(channel / 4), 96 * 64);
});

test('a sheet with a single value can be drawn', async () => {
  const maps = { layer: 'relu3', height: 1, width: 1, channels: 1, values: Float32Array.of(0) };
  assert.equal((await sharp(await drawSheet(maps)).metadata()).format, 'png');
});

for (const [what, name, written] of [
  ['a name', 'bat', 'bat  97.5 %'],
  ['a name with accents and signs', 'Ölüm (2), à+b', 'olum (2), a+b  97.5 %'],
  ['a name in letters the font lacks', '狐', 'class 3  97.5 %'],
  ['a long name', 'n'.repeat(300), 'n'.repeat(96)],
] as const)
  test(`the legend has the class, its probability and the colour scale: ${what}`, async () => {
    const [width, height] = [400, 500];
    const overlay = await plain('#646464', width, height).png().toBuffer();
    const legend = { class: name, classIndex: 2, probability: 0.975, method: 'Grad-CAM' } as const;
    const png = await addLegend(overlay, legend);
    const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, info.channels], [width, height + legendHeight, 3]);
    assert.ok(
      data.subarray(0, width * height * 3).every((value) => value === 100),
      'the picture is unchanged',
    );
    const at = (x: number, y: number) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];

    const dot = name.length > 100 ? 1 : 3;
    const inked = new Set<string>();
    for (let y = height; y < height + 8 + 15; y++)
      for (let x = 0; x < width; x++) if (at(x, y)[0] === 230) inked.add(`${x},${y}`);
    const dots = [...dotsOf(written)];
    for (const { x, y } of dots)
      assert.ok(inked.has(`${8 + x * dot},${height + 8 + y * dot}`), `dot ${x}, ${y}`);
    assert.equal(inked.size, dots.length * dot ** 2);

    const middle = height + legendHeight - 8 - 5;
    const row = Array.from({ length: width }, (_, x) => at(x, middle));
    const coloured = row.map((colour, x) => ({ colour, x })).filter(({ colour }) => new Set(colour).size > 1);
    const [last] = coloured.slice(-1);
    // Yellow, as opaque as over a picture.
    for (const [channel, value] of colourOf(1).entries())
      assert.ok(
        Math.abs((last?.colour[channel] as number) - (24 + (value - 24) * 0.75)) <= 1,
        `${last?.colour}`,
      );
    const greens = coloured.map(({ colour }) => colour[1] as number);
    assert.ok(greens.length > 150);
    for (const [index, green] of greens.entries())
      if (index > 40) assert.ok(green >= (greens[index - 1] as number));
  });
