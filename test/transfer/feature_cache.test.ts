import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  FeatureCache,
  type FeatureCacheOptions,
  featureId,
  featureKey,
  pruneFeatures,
} from '../../src/transfer/feature_cache.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { smallDisk } from '../helpers/small_disk.ts';
import { idOf, rowOf } from './rows.ts';

const key = 'a'.repeat(32);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

async function store(options: FeatureCacheOptions, rows: number[]): Promise<void> {
  const cache = new FeatureCache(options);
  for (const row of rows) cache.add(idOf(row), rowOf(row, options.length));
  await cache.close();
}

/** Which of these rows are stored; what is read of them must be right, and of others nothing. */
async function stored(options: FeatureCacheOptions, rows: number[]): Promise<number[]> {
  const { length } = options;
  const cache = new FeatureCache(options);
  const features = new Float32Array(rows.length * length).fill(-7);
  const found = await cache.read(rows.map(idOf), features);
  await cache.close();
  for (const [at, row] of rows.entries()) {
    const wanted = found[at] === 1 ? rowOf(row, length) : new Float32Array(length).fill(-7);
    assert.deepEqual(features.subarray(at * length, (at + 1) * length), wanted);
  }
  return rows.filter((_, at) => found[at] === 1);
}

const segmentsOf = (folder: string) => readdirSync(join(folder, key)).map((name) => join(folder, key, name));

test('what is stored is read back, also twice at once, and nothing else', async () => {
  const options = { folder: temporaryFolder(), key, length: 33 };
  assert.deepEqual(await stored(options, [1, 2]), []);
  await store(options, range(0, 50));
  await store(options, range(40, 60));
  assert.deepEqual(await stored(options, [3, 59, 3, 60, 0]), [3, 59, 3, 0]);
  assert.deepEqual(await stored({ ...options, key: 'b'.repeat(32) }, [3]), []);
});

test('rows are found in the same cache before it is closed, once they are written', async () => {
  const cache = new FeatureCache({ folder: temporaryFolder(), key, length: 300_000 });
  const row = rowOf(5, 300_000);
  assert.equal(await cache.isEmpty(), true);
  cache.add(idOf(5), row);
  const features = new Float32Array(300_000);
  assert.equal(await cache.isEmpty(), false);
  assert.deepEqual([...(await cache.read([idOf(5)], features))], [1]);
  assert.deepEqual(features, row);
  await cache.close();
});

test('ids depend on pixels, keys on everything that changes features', () => {
  const pixels = Buffer.from([1, 2, 3]);
  const ids = [featureId(pixels), featureId(Buffer.from([1, 2, 4]))];
  assert.equal(new Set(ids.map(String)).size, 2);
  assert.equal(ids[0]?.length, 32);
  const source = {
    weights: 'w',
    preprocessing: { scale: 1 },
    size: { width: 2, height: 3 },
    layer: 'l',
    engine: 'e',
    kernels: 'k',
  };
  const keys = [
    source,
    { ...source, weights: 'v' },
    { ...source, preprocessing: { scale: 2 } },
    { ...source, size: { width: 3, height: 2 } },
    { ...source, layer: 'le', engine: '' },
    { ...source, engine: 'f' },
    { ...source, kernels: 'k2' },
  ].map(featureKey);
  assert.equal(new Set(keys).size, 7);
  assert.match(keys[0] as string, /^[0-9a-f]{32}$/);
});

test('damaged and cut off records are ignored, all others used', async () => {
  const options = { folder: temporaryFolder(), key, length: 25 };
  await store(options, range(0, 20));
  const [file = ''] = segmentsOf(options.folder);
  const whole = readFileSync(file);
  const [header, record] = [128, 32 + 100 + 8];
  assert.equal(whole.length, header + 20 * record);
  for (const offset of [0, 31, 32, 80, 131, 132, 139]) {
    const bytes = Buffer.from(whole);
    bytes.writeUInt8(bytes.readUInt8(header + 7 * record + offset) ^ 4, header + 7 * record + offset);
    writeFileSync(file, bytes);
    assert.deepEqual(
      await stored(options, range(0, 20)),
      range(0, 20).filter((row) => row !== 7),
    );
  }
  for (const cut of [1, record - 1, record, 5 * record + 3, 20 * record, 20 * record + 1]) {
    writeFileSync(file, whole);
    truncateSync(file, whole.length - cut);
    assert.deepEqual(
      await stored(options, range(0, 20)),
      range(0, Math.max(0, 20 - Math.ceil(cut / record))),
    );
  }
  // A hole that shifts all that follows.
  writeFileSync(
    file,
    Buffer.concat([whole.subarray(0, header + 5 * record), whole.subarray(header + 5 * record + 13)]),
  );
  assert.deepEqual(await stored(options, range(0, 20)), range(0, 5));
});

test('segments of another version, length or key are not read', async () => {
  const options = { folder: temporaryFolder(), key, length: 25 };
  await store(options, range(0, 20));
  const [file = ''] = segmentsOf(options.folder);
  const whole = readFileSync(file, 'latin1');
  assert.deepEqual(await stored({ ...options, length: 26 }, [1, 2]), []);
  for (const change of [
    whole.replace('"bat-sup features":1', '"bat-sup features":2'),
    whole.replace('aaaa', 'aaab'),
    '',
    'x',
  ]) {
    writeFileSync(file, change, 'latin1');
    assert.deepEqual(await stored(options, [1, 2]), []);
  }
  mkdirSync(join(options.folder, key, 'folder.features'));
  assert.deepEqual(await stored(options, [1, 2]), []);
});

test('refuses features of another length', () => {
  const cache = new FeatureCache({ folder: temporaryFolder(), key, length: 3 });
  assert.throws(() => cache.add(idOf(1), new Float32Array(4)), /must have 3 numbers; received 4/);
});

const writer = fileURLToPath(new URL('write_features.ts', import.meta.url));
const startWriter = (folder: string, first: number, count: number) =>
  spawn(process.execPath, ['--import', 'tsx', writer, folder, key, String(first), String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });

test('a process that is killed loses its last batch at most', async () => {
  const folder = temporaryFolder();
  const child = startWriter(folder, 0, 1_000_000);
  let last = 0;
  for await (const text of child.stdout) {
    last = Number(String(text).trim().split('\n').at(-1));
    if (last >= 2000) child.kill('SIGKILL');
  }
  const rows = range(0, last);
  const found = await stored({ folder, key, length: 1000 }, rows);
  // Rows that were added, and wait for a batch of 1 MiB or for the batch before to be written, are lost.
  assert.ok(found.length > 0 && found.length <= last);
  assert.deepEqual(found, range(0, found.length));
});

test('two processes write at once', async () => {
  const folder = temporaryFolder();
  const children = [startWriter(folder, 0, 1500), startWriter(folder, 1000, 1500)];
  const codes = children.map((child) => new Promise((resolve) => child.on('close', resolve)));
  for (const child of children) child.stdout.resume();
  assert.deepEqual(await Promise.all(codes), [0, 0]);
  assert.deepEqual(await stored({ folder, key, length: 1000 }, range(0, 2500)), range(0, 2500));
});

test('on a full disk one line is said, and what fitted is used', async (context: TestContext) => {
  const disk = smallDisk(context, 3000);
  if (disk === undefined) return;
  const notices: string[] = [];
  const options = {
    folder: join(disk, 'features'),
    key,
    length: 1000,
    notice: (line: string) => notices.push(line),
  };
  await store(options, range(0, 2000));
  assert.equal(notices.length, 1);
  assert.match(
    notices[0] as string,
    /^Features are not stored in .* \(ENOSPC.*\); the next run computes them again\.$/,
  );
  const found = await stored(options, range(0, 2000));
  assert.ok(found.length >= 250 && found.length < 800, `${found.length} rows`);
  const [file = ''] = segmentsOf(options.folder);
  assert.equal((statSync(file).size - 128) % 4040, 0);
});

test('where no folder can be made, nothing is stored and one line is said', async () => {
  const folder = join(temporaryFolder(), 'file');
  writeFileSync(folder, '');
  const notices: string[] = [];
  const options = { folder, key, length: 1000, notice: (line: string) => notices.push(line) };
  await store(options, range(0, 1000));
  assert.equal(notices.length, 1);
  assert.deepEqual(await stored(options, [1]), []);
});

test('the least recently used segments go first, of all keys, and those that nobody uses any more', async () => {
  const folder = temporaryFolder();
  const options = { folder, key, length: 100 };
  const other = { ...options, key: 'b'.repeat(32) };
  const now = Date.now() / 1000;
  const age = (file: string, days: number) => utimesSync(file, now - days * 86400, now - days * 86400);
  await store(options, range(0, 100));
  const [first = ''] = segmentsOf(folder);
  await store(options, range(100, 200));
  const second = segmentsOf(folder).find((file) => file !== first) as string;
  await store(other, range(0, 100));
  const [third = ''] = readdirSync(join(folder, other.key)).map((name) => join(folder, other.key, name));
  age(first, 3);
  age(second, 2);
  age(third, 1);
  assert.deepEqual(await stored(options, [5]), [5]); // now the first one has been used last
  const bytes = statSync(first).size;
  await pruneFeatures(folder, 2 * bytes);
  assert.deepEqual([first, second, third].map(existsSync), [true, false, true]);
  age(third, 91);
  await pruneFeatures(folder);
  assert.deepEqual([first, third].map(existsSync), [true, false]);
  assert.ok(!existsSync(join(folder, other.key)));
  // Closing prunes as well.
  await store({ ...options, maxBytes: 2 * bytes }, range(300, 400));
  await store({ ...options, maxBytes: 2 * bytes }, range(400, 500));
  assert.equal(segmentsOf(folder).length, 2);
});
