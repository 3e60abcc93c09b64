import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zipSync } from 'fflate';
import { readZip } from '../../src/system/zip.ts';
import { zip } from '../helpers/pytorch_file.ts';

const text = Buffer.from('what an entry holds, what an entry holds');
const two = () =>
  zip([
    { name: 'a', data: text },
    { name: 'b', data: text, deflate: true },
  ]);
const readAll = (data: Uint8Array) =>
  [...readZip(data).values()].map((entry) => Buffer.from(entry.read()).toString());

/** Changes a number of 32 bits in the directory, whose first entry begins there. */
function withField(data: Buffer, offset: number, value: number): Buffer {
  const changed = Buffer.from(data);
  changed.writeUInt32LE(value, changed.readUInt32LE(changed.length - 6) + offset);
  return changed;
}

test('stored and deflated entries are read', () => {
  assert.deepEqual(readAll(two()), [String(text), String(text)]);
  const other = zipSync({ 'd/x': [text, { level: 9 }], y: [text, { level: 0 }], e: new Uint8Array() });
  assert.deepEqual([...readZip(other).keys()], ['d/x', 'y', 'e']);
  assert.deepEqual(readAll(other), [String(text), String(text), '']);
  assert.deepEqual(readAll(zip([])), []);
});

test('a comment may follow the directory', () => {
  const data = Buffer.concat([two(), Buffer.from('PK\x05\x06 and more')]);
  data.writeUInt16LE(13, two().length - 2);
  assert.equal(readAll(data).length, 2);
});

test('Zip64 sizes are read', () => {
  // As PyTorch writes it: the record and its locator before the end, and sizes in the extra field.
  const data = zip([{ name: 'a', data: text }]);
  const at = data.readUInt32LE(data.length - 6);
  const entry = Buffer.from(data.subarray(at, at + 46));
  entry.writeUInt32LE(0xffffffff, 20);
  entry.writeUInt32LE(0xffffffff, 24);
  entry.writeUInt16LE(20, 30);
  const extra = Buffer.alloc(20);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(16, 2);
  extra.writeBigUInt64LE(BigInt(text.length), 4);
  extra.writeBigUInt64LE(BigInt(text.length), 12);
  const directory = Buffer.concat([entry, Buffer.from('a'), extra]);
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(1n, 32);
  record.writeBigUInt64LE(BigInt(directory.length), 40);
  record.writeBigUInt64LE(BigInt(at), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(at + directory.length), 8);
  const end = Buffer.alloc(22, 0xff);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(0, 20);
  const wide = Buffer.concat([data.subarray(0, at), directory, record, locator, end]);
  assert.deepEqual(readAll(wide), [String(text)]);
  const missing = Buffer.from(wide);
  missing.writeUInt16LE(7, at + 47);
  assert.throws(() => readZip(missing), /the Zip64 sizes of a are missing/);
});

const wrong: [string, Buffer, RegExp][] = [
  ['nothing', Buffer.alloc(0), /it has no directory/],
  ['an archive that was cut off', two().subarray(0, -1), /it has no directory/],
  ['a size that was changed', withField(two(), 24, 5), /a has 40 bytes instead of 5/],
  ['a size beyond its bytes', withField(two(), 24, 1e9), /a has 40 bytes, which cannot hold 1000000000/],
  ['bytes beyond the end', withField(two(), 20, 1e9), /a reaches beyond its end/],
  ['another checksum', withField(two(), 16, 5), /the checksum of a differs/],
  ['an offset of nothing', withField(two(), 42, 3), /the header of a is damaged/],
  ['encryption', withField(two(), 8, 1), /a in it is encrypted/],
  ['another method', withField(two(), 10, 12), /packed with method 12/],
  ['an offset in the directory', withField(two(), 42, 1e9), /the header of a is damaged/],
  [
    'a name that it holds twice',
    zip([
      { name: 'a', data: text },
      { name: 'a', data: text },
    ]),
    /it holds a twice/,
  ],
];
for (const [what, data, why] of wrong)
  test(`an archive with ${what} is refused`, () => assert.throws(() => readAll(data), why));

test('entries that share bytes are refused', () => {
  const data = two();
  const at = data.readUInt32LE(data.length - 6);
  // The second entry's bytes are those of the first.
  data.writeUInt32LE(0, at + 47 + 42);
  assert.throws(() => readZip(data), /a and b share bytes/);
});

test('a bomb unpacks to no more than it says', () => {
  const bomb = zip([{ name: 'b', data: Buffer.alloc(2 ** 24), deflate: true }]);
  assert.ok(bomb.length < 2 ** 15);
  // It says 1,000 bytes, and would unpack to 16 MB.
  assert.throws(() => readAll(withField(bomb, 24, 1000)), /b cannot be unpacked/);
  assert.throws(() => readAll(withField(bomb, 24, 2 ** 31)), /cannot hold 2147483648/);
});

test('bits that flip are noticed, or change no content', () => {
  const data = two();
  for (let bit = 0; bit < data.length * 8; bit++) {
    const changed = Buffer.from(data);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    try {
      for (const content of readAll(changed)) assert.equal(content, String(text));
    } catch (error) {
      assert.ok(error instanceof RangeError, (error as Error).stack);
    }
  }
});
