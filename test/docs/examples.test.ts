/** The docstrings of what src/index.ts exports: each function and class has an example, which the long test runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publicNames } from '../helpers/public_api.ts';

const names = publicNames();

test('the library exports what it is known for', () => {
  const found = names.map(({ name }) => name);
  for (const name of ['loadModel', 'train', 'convLayer', 'augmentAll', 'UserError', 'formats'])
    assert.ok(found.includes(name), name);
});

test('every exported function and class has a docstring with an example', () => {
  const missing = names.filter(({ kind, examples }) => kind !== 'const' && examples.length === 0);
  assert.deepEqual(
    missing.map(({ name }) => name),
    [],
  );
});
