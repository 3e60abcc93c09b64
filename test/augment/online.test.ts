import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeVary, type OnlineJob, startOnline } from '../../src/augment/online.ts';
import { createRing, giveToRing, type OnlineBatch, type Vary, varyFromRing } from '../../src/augment/ring.ts';
import { pictureOf } from '../helpers/pixels.ts';

const size = { width: 20, height: 16 };
const base = { names: ['bat', 'sup'], channels: 3 as const, ...size };
const all = ['rotate', 'zoom', 'shift', 'brightness', 'colour', 'cropRandom', 'rotate90', 'blur'] as const;
const job: OnlineJob = { ...base, operations: all.map((operation) => ({ operation, probability: 1 })) };

const picture = pictureOf(size.width, size.height, (x, y) => [x * 12, y * 15, (x * y) % 256]).data;
const pixels = new Uint8Array(Buffer.concat([picture, picture, picture]));
const labels = [0, 1, 0];
const bytes = picture.length;
const newBatch = (key = '1/online/0', indexes = [7, 8, 9]): OnlineBatch => ({
  pixels: pixels.slice(),
  labels,
  key,
  indexes,
});

/** What becomes of the batch, picture by picture. */
async function variedOf({ pixels, labels, key, indexes }: OnlineBatch, vary: Vary): Promise<Uint8Array> {
  const output = new Uint8Array(pixels.length);
  const length = pixels.length / indexes.length;
  for (const [at, index] of indexes.entries()) {
    const [from, to] = [at * length, (at + 1) * length];
    await vary(pixels.subarray(from, to), output.subarray(from, to), labels[at] as number, `${key}/${index}`);
  }
  return output;
}

test('a picture’s variation depends on its key alone, and has its size', async () => {
  const vary = makeVary(job);
  const of = async (key: string) => {
    const varied = new Uint8Array(bytes);
    await vary(pixels.subarray(0, bytes), varied, 0, key);
    return varied;
  };
  const [first, second, otherEpoch] = [
    await of('1/online/0/7'),
    await of('1/online/0/8'),
    await of('1/online/1/7'),
  ];
  assert.notDeepEqual(first, second);
  assert.notDeepEqual(first, otherEpoch);
  assert.deepEqual(await of('1/online/0/7'), first);
});

test('with the thread the same comes out, whichever thread does the work', async () => {
  const online = startOnline(job, 3);
  try {
    const expected = await variedOf(newBatch(), makeVary(job));
    // At once this thread does most of it, later the other one.
    for (const pause of [0, 0, 1, 5, 20, 100]) {
      const batch = newBatch();
      const finish = online.vary(batch);
      await new Promise((resolve) => setTimeout(resolve, pause));
      await finish();
      assert.deepEqual(batch.pixels, expected);
    }
  } finally {
    await online.close();
  }
});

test('a batch that a thread never takes is varied all the same, and so are those after it', async () => {
  const vary = makeVary(job);
  const give = giveToRing(createRing(3, bytes), vary);
  for (let number = 0; number < 10; number++) {
    const batch = newBatch(`1/online/${number}`);
    const expected = await variedOf(batch, vary);
    await give(batch)();
    assert.deepEqual(batch.pixels, expected);
  }
});

test('a batch may have fewer pictures than the ring has room for', async () => {
  const vary = makeVary(job);
  const give = giveToRing(createRing(5, bytes), vary);
  const large = newBatch();
  await give(large)();
  const one = { ...newBatch('1/online/0', [8]), pixels: pixels.slice(0, bytes), labels: [1] };
  await give(one)();
  assert.deepEqual(one.pixels, large.pixels.slice(bytes, 2 * bytes));
});

test('two threads meet: each picture is varied by one of them, the one in hand by both', async () => {
  const ring = createRing(4, 1);
  const seen: string[] = [];
  const varyAs = (name: string, meet?: () => Promise<void>): Vary => {
    return async (from, to, label, key) => {
      seen.push(`${name} ${key}`);
      to[0] = (from[0] as number) * 10 + label;
      await meet?.();
    };
  };
  const batch: OnlineBatch = {
    pixels: Uint8Array.of(1, 2, 3, 4),
    labels: [0, 1, 2, 3],
    key: 'key',
    indexes: [5, 6, 7, 8],
  };
  const finish = giveToRing(ring, varyAs('this'))(batch);
  let atSecond = 0;
  // The other thread gets no further than its second picture.
  varyFromRing(
    ring,
    varyAs('other', () => (++atSecond === 2 ? new Promise(() => {}) : Promise.resolve())),
  );
  await new Promise(setImmediate);
  await finish();
  assert.deepEqual([...batch.pixels], [10, 21, 32, 43]);
  assert.deepEqual(seen, ['other key/5', 'other key/6', 'this key/8', 'this key/7', 'this key/6']);
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
  const batch = { pixels: values, labels: [0, 1], key: 'a', indexes: [0, 1] };
  const varied = await variedOf(batch, makeVary(grey));
  assert.deepEqual(varied.subarray(0, 320), values.subarray(0, 320));
  assert.deepEqual(
    varied.subarray(320),
    values.subarray(320).map((value) => 255 - value),
  );
});

test('mixing needs other pictures', () => {
  assert.throws(() => startOnline({ ...job, operations: ['mixup'] }, 3), /mixup needs other pictures/);
});
