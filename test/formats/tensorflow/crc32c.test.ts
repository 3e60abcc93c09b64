import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c, maskedCrc32c } from '../../../src/formats/tensorflow/crc32c.ts';

// RFC 3720, appendix B.4.
const vectors: [what: string, bytes: Uint8Array, crc: number][] = [
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(255), 0x62a8ab43],
  ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['31 to 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
];

for (const [what, bytes, crc] of vectors) test(`CRC-32C of ${what}`, () => assert.equal(crc32c(bytes), crc));

test('the mask turns by 15 bits and adds', () => {
  const crc = crc32c(new Uint8Array(32));
  const turned = BigInt.asUintN(32, (BigInt(crc) >> 15n) | (BigInt(crc) << 17n));
  assert.equal(maskedCrc32c(new Uint8Array(32)), Number(BigInt.asUintN(32, turned + 0xa282ead8n)));
});
