/** What users of other importers of ONNX reported, exported by the PyTorch that is installed. */
import { execFileSync } from 'node:child_process';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../../../src/engine/index.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { python, withoutPackage } from '../../helpers/python.ts';
import { checkSituations } from './situations.ts';

before(() => startEngine('wasm', { threads: 1 }));

test('what other importers stumbled over answers as in this PyTorch', {
  skip: withoutPackage('torch', 'onnx', 'onnxscript'),
}, async (t) => {
  const folder = temporaryFolder();
  execFileSync(python, [fileURLToPath(new URL('situations.py', import.meta.url)), folder], { stdio: 'pipe' });
  await checkSituations(t, folder);
});
