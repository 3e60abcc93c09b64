/** What users of other importers of ONNX reported, as PyTorch exported it. */
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../../../src/engine/index.ts';
import { checkSituations } from './situations.ts';

before(() => startEngine('wasm', { threads: 1 }));

test('what other importers stumbled over answers as in PyTorch, or its refusal says why', (t) =>
  checkSituations(t, fileURLToPath(new URL('fixtures/situations', import.meta.url))));
