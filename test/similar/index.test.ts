import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import seedrandom from 'seedrandom';
import { normal } from '../../src/augment/random.ts';
import { indexFile, readIndex, writeIndex } from '../../src/similar/index_file.ts';
import { makeIndex, nearestIn } from '../../src/similar/picture_index.ts';
import { temporaryFolder } from '../helpers/folder.ts';

process.env.XDG_CACHE_HOME = temporaryFolder();

const length = 64;
const count = 200;
const random = seedrandom('similar');
/** All at some distance from 0, as features after a ReLU are. */
const features = Float32Array.from({ length: count * length }, () => Math.max(0, 1 + normal(random)));
const paths = Array.from({ length: count }, (_, index) => `folder/ä ${index}\n.jpg`);
const stamps = Float64Array.from({ length: 2 * count }, (_, index) => index + 0.25);
const rows = Int32Array.from({ length: count }, (_, index) => (index === 7 ? -1 : index));
const index = makeIndex({ names: paths.join('\0'), stamps }, { features, length, rows });
const nothing = { count: 10, isLeftOut: () => false };

/** Cosines around the mean in float64. */
function exactCosines(query: Float32Array): number[] {
  const mean = Array.from({ length }, (_, j) => {
    let sum = 0;
    for (let row = 0; row < count; row++) sum += features[row * length + j] as number;
    return sum / count;
  });
  const centred = (values: Float32Array) => mean.map((value, j) => (values[j] as number) - value);
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, j) => sum + value * (b[j] as number), 0);
  const own = centred(query);
  return paths.map((_, row) => {
    const other = centred(features.subarray(row * length, (row + 1) * length));
    return dot(own, other) / Math.sqrt(dot(own, own) * dot(other, other));
  });
}

test('the nearest pictures have the largest cosines around the mean', () => {
  const query = features.slice(20 * length, 21 * length).map((value) => value + 0.3 * normal(random));
  const cosines = exactCosines(query);
  cosines[7] = -1; // it cannot be read
  const found = nearestIn(index, query, nothing);
  assert.equal(found[0]?.path, paths[20]);
  const tenth = [...cosines].sort((a, b) => b - a)[9] as number;
  for (const { path, cosine } of found) {
    const exact = cosines[paths.indexOf(path)] as number;
    assert.ok(Math.abs(cosine - exact) < 0.002 && exact > tenth - 0.004, `${path} ${cosine} ${exact}`);
  }
});

test('what is left out, and files that cannot be read, are no answers', () => {
  const query = features.subarray(7 * length, 8 * length);
  const all = nearestIn(index, query, { count: 1000, isLeftOut: (path) => path === paths[20] });
  assert.equal(all.length, count - 2);
  assert.ok(!all.some(({ path }) => path === paths[7] || path === paths[20]));
});

test('features that are all the same give cosines of 0, not NaN', () => {
  const same = makeIndex(
    { names: paths.slice(0, 2).join('\0'), stamps: stamps.slice(0, 4) },
    { features: new Float32Array(2 * length).fill(3), length, rows: Int32Array.of(0, 1) },
  );
  const found = nearestIn(same, new Float32Array(length).fill(3), nothing);
  assert.deepEqual(
    found.map(({ cosine }) => cosine),
    [0, 0],
  );
});

test('an index is read as it was written; a damaged one, or one of another version, is not', async () => {
  const file = indexFile('/somewhere', 'key');
  assert.equal(await readIndex(file), undefined);
  await writeIndex(file, index);
  const read = await readIndex(file);
  assert.deepEqual(read, index);
  assert.deepEqual(nearestIn(read as typeof index, features.subarray(0, length), nothing).length, 10);
  const whole = readFileSync(file);
  for (const at of [0, 20, 400, whole.length >> 1, whole.length - 1]) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] as number) ^ 1;
    writeFileSync(file, damaged);
    assert.equal(await readIndex(file), undefined);
  }
  for (const length of [0, 10, 40, whole.length - 1]) {
    writeFileSync(file, whole.subarray(0, length));
    assert.equal(await readIndex(file), undefined);
  }
  assert.notEqual(indexFile('/somewhere', 'other'), file);
  assert.ok(file.startsWith(join(process.env.XDG_CACHE_HOME as string, 'bat-sup', 'similar')));
});
