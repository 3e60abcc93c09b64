/** PyTorch files that were damaged in thousands of ways: each is read, or refused in one line, in little memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../../src/errors.ts';
import { readPyTorch } from '../../../src/formats/pytorch/read.ts';
import { evenly } from '../../helpers/network.ts';
import { floats, pickledState, writeArchive, writeLegacy } from '../../helpers/pytorch_file.ts';

const numbers = evenly(7);
const below = (limit: number) => Math.floor(limit * (numbers.next().value as number));

const state = pickledState({
  'conv.weight': { storage: '0', length: 12, shape: [2, 3, 2], strides: [1, 4, 2] },
  'conv.bias': { storage: '0', length: 12, shape: [2], offset: 3 },
  'norm.weight': { storage: '1', type: 'HalfStorage', length: 4, shape: [4] },
  'norm.count': { storage: '2', type: 'LongStorage', length: 1, shape: [] },
});
const parts = {
  0: floats(...Array.from({ length: 12 }, (_, index) => index)),
  1: Buffer.from([0, 0x3c, 0, 0x40, 0, 0x42, 0, 0x44]),
  2: Buffer.from(BigInt64Array.of(5n).buffer),
};
const lengths: Record<string, number> = { 0: 12, 1: 4, 2: 1 };
const listed = Object.fromEntries(
  Object.entries(parts).map(([key, data]) => [key, { data, length: lengths[key] as number }]),
);
const archive = (value: Buffer, deflate = false) => writeArchive(value, parts, { deflate });
const legacy = (value: Buffer) => writeLegacy(value, listed);

/** Bytes that mean something in pickles and zip archives, or are extreme. */
const telling = [0, 1, 0x7f, 0xff, ...Buffer.from('(.0Nt}uqhRbQcXJKM\x80\x8a\x8c\x93\x94PK', 'latin1')];

function mutated(data: Buffer): Buffer {
  const changed = Buffer.from(data);
  const at = below(changed.length);
  switch (below(5)) {
    case 0: // a bit flips
      changed[at] = (changed[at] as number) ^ (1 << below(8));
      return changed;
    case 1:
      changed[at] = telling[below(telling.length)] as number;
      return changed;
    case 2: // cut off
      return changed.subarray(0, at);
    case 3: // bytes that were moved
      changed.copyWithin(at, below(changed.length), below(changed.length));
      return changed;
    default: // bytes that are there twice
      return Buffer.concat([changed.subarray(0, at + 1), changed.subarray(below(at + 1))]);
  }
}

/** @returns whether it was read. */
function readOrRefuse(data: Buffer): boolean {
  try {
    for (const tensor of readPyTorch(data, 'net.pth').values()) {
      const size = tensor.shape.reduce((a, b) => a * b, 1);
      // Who reads a tensor has checked its shape.
      if (size <= 100) assert.equal(tensor.read().values.length, size);
    }
    return true;
  } catch (error) {
    assert.ok(error instanceof UserError, `${(error as Error).stack}\n${data.toString('base64')}`);
    assert.match(error.message, /^net\.pth cannot be read: [^\n]*$/);
    return false;
  }
}

const files: [string, () => Buffer][] = [
  ['an archive', () => mutated(archive(state))],
  ['a deflated archive', () => mutated(archive(state, true))],
  ['a file before PyTorch 1.6', () => mutated(legacy(state))],
  ['a pickle in a healthy archive', () => archive(mutated(state))],
  ['a pickle with two changes', () => archive(mutated(mutated(state)))],
  ['a pickle before PyTorch 1.6', () => legacy(mutated(state))],
];
for (const [what, make] of files)
  test(`${what}, damaged 3,000 times, is read or refused`, () => {
    const before = process.memoryUsage().rss;
    let read = 0;
    for (let count = 0; count < 3000; count++) if (readOrRefuse(make())) read++;
    // Each way out is taken, and no file of a kilobyte takes much memory.
    assert.ok(read < 3000, String(read));
    assert.ok(process.memoryUsage().rss - before < 5e8);
  });

test('random opcodes are read or refused', () => {
  for (let count = 0; count < 5000; count++) {
    const value = Buffer.from(
      Array.from({ length: below(60) }, () => telling[below(telling.length)] as number),
    );
    readOrRefuse(count % 2 ? archive(value) : legacy(value));
  }
});

test('a healthy file is read', () => {
  for (const data of [archive(state), archive(state, true), legacy(state)]) assert.ok(readOrRefuse(data));
});
