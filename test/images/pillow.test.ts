import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeBmp } from '../../src/images/bmp.ts';
import { decodePnm } from '../../src/images/pnm.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

interface Known {
  file: string;
  width: number;
  height: number;
  /** SHA-256 of what Pillow reads. */
  pixels: string;
}

test('BMP and Netpbm pictures of every variant have the pixels that Pillow reads', {
  skip: withoutPackage('PIL'),
}, () => {
  const folder = temporaryFolder();
  const known: Known[] = runPython(new URL('./pillow_pictures.py', import.meta.url), folder);
  assert.ok(known.length > 500);
  for (const { file, pixels, ...shape } of known) {
    const decode = file.endsWith('.bmp') ? decodeBmp : decodePnm;
    const { data, width, height } = decode(readFileSync(join(folder, file)));
    assert.deepEqual({ width, height }, shape, file);
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), pixels, file);
  }
});
