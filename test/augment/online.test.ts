import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeVary, type OnlineJob, startOnline } from '../../src/augment/online.ts';
import { pictureOf } from '../helpers/pixels.ts';

const size = { width: 20, height: 16 };
const base = { names: ['bat', 'sup'], channels: 3 as const, ...size };
const all = ['rotate', 'zoom', 'shift', 'brightness', 'colour', 'cropRandom', 'rotate90'] as const;
const job: OnlineJob = { ...base, operations: all.map((operation) => ({ operation, probability: 1 })) };

const picture = pictureOf(size.width, size.height, (x, y) => [x * 12, y * 15, (x * y) % 256]).data;
const pixels = new Uint8Array(Buffer.concat([picture, picture, picture]));
const keys = ['1/online/0/7', '1/online/0/8', '1/online/1/7'];
/** Varying it leaves nothing of it. */
const newBatch = () => ({ pixels: pixels.slice(), labels: [0, 1, 0], keys });
const bytes = picture.length;

test('a picture’s variation depends on its key alone, and has its size', async () => {
  const varied = await makeVary(job)(newBatch());
  assert.equal(varied.length, pixels.length);
  const parts = [0, 1, 2].map((i) => varied.subarray(i * bytes, (i + 1) * bytes));
  assert.notDeepEqual(parts[0], parts[1]);
  assert.notDeepEqual(parts[0], parts[2]);
  const alone = await makeVary(job)({
    pixels: pixels.slice(0, bytes),
    labels: [0],
    keys: [keys[2] as string],
  });
  assert.deepEqual(alone, new Uint8Array(parts[2] as Uint8Array));
});

test('the thread does the same', async () => {
  const online = startOnline(job);
  try {
    assert.deepEqual(await online.vary(newBatch()), await makeVary(job)(newBatch()));
  } finally {
    await online.close();
  }
});

test('a class has its own operations; grey stays grey', async () => {
  const invert = [{ operation: 'invert', probability: 1 }] as const;
  const grey: OnlineJob = {
    ...base,
    channels: 1,
    operations: [{ operation: 'invert', probability: 0 }],
    classes: { sup: [...invert] },
  };
  const values = Uint8Array.from({ length: 2 * 320 }, (_, i) => i % 251);
  const varied = await makeVary(grey)({ pixels: values.slice(), labels: [0, 1], keys: ['a', 'b'] });
  assert.deepEqual(varied.subarray(0, 320), values.subarray(0, 320));
  assert.deepEqual(
    varied.subarray(320),
    values.subarray(320).map((value) => 255 - value),
  );
});

test('mixing needs other pictures', () => {
  assert.throws(() => startOnline({ ...job, operations: ['mixup'] }), /mixup needs other pictures/);
});
