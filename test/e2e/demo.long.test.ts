/** The demo on the engine that scripts/prepare.mjs could set up, and on the one that is always there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '../helpers/folder.ts';
import { withoutNative } from '../helpers/native.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

for (const [engine, description, skip] of [
  ['wasm', /Engine: WebAssembly/, false],
  ['auto', /Engine: TensorFlow/, withoutNative()],
] as const) {
  test(`the demo runs from drawings to an answer with --engine ${engine}`, { skip }, async () => {
    const output = join(temporaryFolder(), 'demo');
    const args = ['--import', 'tsx', 'demo/run.ts', '--quick', '--output', output];
    const env = { ...process.env, BATSUP_ENGINE: engine };
    const { stdout, stderr } = await run(process.execPath, args, { cwd: root, env, maxBuffer: 1 << 26 });
    assert.match(stderr, description);
    assert.match(stdout, /animals: 300 pictures/);
    assert.match(stdout, /Trained 1 of 1 epochs/);
    assert.match(stdout, /a head for efficientnet-lite0/);
    assert.match(stdout, /concepts that it had never seen: +\d+\.\d % \(\d+ of 47;/);
    assert.match(
      stdout,
      /It had never seen a bat: it predicts (animals|food) \(\d+\.\d %\), which is (right|wrong)\./,
    );
    assert.ok(existsSync(join(output, 'checkpoints', 'article', 'train')));
  });
}

test('if the native engine cannot be set up, the demo uses the embedded one', async () => {
  // Node alone: no compiler, no Python.
  const env = { PATH: '/nonexistent', HOME: temporaryFolder() };
  const args = ['scripts/prepare.mjs', '--native'];
  const { stderr } = await run(process.execPath, args, { cwd: root, env });
  assert.match(stderr, /needs a C\+\+ compiler; install one: /);
  assert.match(stderr, /The native engine could not be set up, so the embedded engine is used\./);
});
