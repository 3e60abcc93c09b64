import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { colourOf } from '../../src/explain/colours.ts';
import { dotsOf, letteringWidth } from '../../src/explain/lettering.ts';
import { drawOverlay, enlargementFor } from '../../src/explain/overlay.ts';
import { drawSheet } from '../../src/explain/sheet.ts';

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

test('letters are dots; what has no letter takes its place', () => {
  const drawn = (text: string) => {
    const rows = Array.from({ length: 5 }, () => Array(letteringWidth(text)).fill(' '));
    for (const { x, y } of dotsOf(text)) (rows[y] as string[])[x] = '#';
    return rows.map((row) => row.join(''));
  };
  assert.deepEqual(drawn('1t'), [' #  ###', '##   # ', ' #   # ', ' #   # ', '###  # ']);
  assert.equal([...dotsOf('é')].length, 0);
  assert.equal(letteringWidth('conv1'), 19);
});

for (const [height, width, channels] of [
  [24, 24, 3],
  [100, 100, 3],
  [30, 90, 1],
  [500, 800, 3],
] as const) {
  test(`an overlay of ${height} x ${width} x ${channels} has 400 pixels at least, and colour where it is hot`, async () => {
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
  // The last channel says most, the first least.
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

test('a sheet of nothing but one value can be drawn', async () => {
  const maps = { layer: 'relu3', height: 1, width: 1, channels: 1, values: Float32Array.of(0) };
  assert.equal((await sharp(await drawSheet(maps)).metadata()).format, 'png');
});
