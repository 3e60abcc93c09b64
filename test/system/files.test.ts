import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256OfFile } from '../../src/system/files.ts';
import { temporaryFolder } from '../helpers/folder.ts';

for (const size of [0, 1, 2 ** 16, 2 ** 16 + 1, 3 * 2 ** 16 - 1]) {
  test(`the SHA-256 of a file of ${size} bytes is that of its bytes`, async () => {
    const file = join(temporaryFolder(), 'file');
    const bytes = randomBytes(size);
    writeFileSync(file, bytes);
    assert.deepEqual(await sha256OfFile(file), createHash('sha256').update(bytes).digest());
  });
}
