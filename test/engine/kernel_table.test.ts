import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
// @ts-expect-error: a build script without types
import { readKernels, tableSource } from '../../scripts/kernel_table.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('the table of WebAssembly kernels matches their signatures', () => {
  const table = readFileSync(join(root, 'src/engine/wasm/kernel_table.ts'), 'utf8');
  assert.equal(
    table,
    tableSource(readKernels(root)),
    'run "node scripts/build-wasm.mjs" and commit its table',
  );
});
