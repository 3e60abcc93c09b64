/** Operators that pool, join and scale branches: ours against ONNX Runtime, on the wasm and native engines. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type EngineName, startEngine } from '../../../src/engine/index.ts';
import { UserError } from '../../../src/errors.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { withoutNative } from '../../helpers/native.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { python, withoutPackage } from '../../helpers/python.ts';

const script = fileURLToPath(new URL('branches.py', import.meta.url));
const pixels = Uint8Array.from({ length: 2 * 12 * 13 * 3 }, (_, index) => (index * 37) % 256);

const refused: Record<string, RegExp> = {
  'older hard sigmoid': /is clip\(0\.2 x \+ 0\.5, 0, 1\)/,
  'hard sigmoid by default': /is clip\(0\.2 x \+ 0\.5, 0, 1\)/,
  'a factor for each pixel': /needs two inputs of the same shape, .* \[12,13,6\] and \[12,13,1\]/,
  'factors of another axis': /multiplies \[2,6,6\] by \[6\], which are not the same axes/,
  'joined along the height': /concatenates along axis 2/,
};

describe('ONNX Runtime', { skip: withoutPackage('onnxruntime', 'onnx') }, () => {
  const folder = temporaryFolder();
  let answers: Record<string, number[][]> = {};

  before(() => {
    execFileSync(python, [script, folder], { stdio: 'pipe' });
    answers = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8'));
  });

  test('what bat-sup has no layer for is refused, and says why', async () => {
    for (const [name, says] of Object.entries(refused))
      await assert.rejects(importNetwork(join(folder, `${name}.onnx`)), (error) => {
        assert.ok(error instanceof UserError, `${name}: ${error}`);
        assert.match(error.message, says, name);
        return !error.message.includes('\n');
      });
  });

  const engines: [EngineName, string | false][] = [
    ['wasm', false],
    ['native', withoutNative()],
  ];
  for (const [engine, skip] of engines)
    test(`answers the same as ${engine}`, { skip }, async () => {
      const running = await startEngine(engine, { threads: 2 });
      const understood = Object.entries(answers).filter(([name]) => !(name in refused));
      assert.ok(understood.length > 20);
      for (const [name, theirs] of understood) {
        const { network } = await importNetwork(join(folder, `${name}.onnx`));
        const { difference, spread } = compare(theirs, logitsOf(network, pixels));
        assert.ok(difference <= 1e-5 * spread, `${name}: ${difference} of ${spread}`);
      }
      await running.dispose();
    });
});
