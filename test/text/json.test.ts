import assert from 'node:assert/strict';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readJson } from '../../src/system/read_json.ts';
import { finite, list, object, oneOf, optional, type Shape, whole, wrongWith } from '../../src/text/json.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const shape = object({
  kind: oneOf('a', 'b'),
  sizes: list(object({ width: whole(1) }), 1),
  loss: optional(finite),
});

for (const [value, wrong] of [
  [{ kind: 'a', sizes: [{ width: 1 }] }, undefined],
  [{ kind: 'a', sizes: [{ width: 1 }], loss: null, more: true }, undefined],
  [null, 'it is not an object'],
  [[], 'it is not an object'],
  [{ kind: 'c', sizes: [{ width: 1 }] }, 'kind is not one of a, b'],
  [{ kind: 'a', sizes: [] }, 'sizes is not a list of 1 or more'],
  [{ kind: 'a', sizes: [{ width: 1 }, { width: 0.5 }] }, /^sizes\[1\]\.width is not a whole number from 1/],
  [{ kind: 'a', sizes: [{ width: 1 }], loss: 'x' }, 'loss is not a number'],
] as const) {
  test(`${JSON.stringify(value)}: ${wrong ?? 'right'}`, () => {
    const found = wrongWith(value, shape as Shape);
    if (wrong instanceof RegExp) assert.match(found ?? '', wrong);
    else assert.equal(found, wrong);
  });
}

test('inherited properties are not members', () => {
  assert.equal(
    wrongWith({}, object({ toString: (value: unknown) => (value ? undefined : ' is missing') })),
    'toString is missing',
  );
});

test('a file is read if its size and its content are valid', async () => {
  const file = join(temporaryFolder(), 'x.json');
  const read = () => readJson(file, { maxBytes: 100, shape: object({ n: whole() }) });
  await assert.rejects(read(), /ENOENT/);
  writeFileSync(file, '{"n": 3}');
  assert.deepEqual(await read(), { n: 3 });
  writeFileSync(file, '{"n":\n');
  await assert.rejects(read(), { message: 'it is not JSON' });
  truncateSync(file, 101);
  await assert.rejects(read(), /101 bytes are more than the 100 that it may have/);
});
