import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readJsonBody } from '../../src/serve/bodies.ts';

const bytes = 4_000_000;
const filled = (start: string, text: string) =>
  Buffer.concat([Buffer.from(start), Buffer.alloc(bytes, text)]);

for (const [what, body] of [
  ['strings', filled('{"pictures":[', '"",')],
  ['strings without commas', filled('', '"')],
  ['lists', filled('{"pictures":[],"more":[', '[],')],
  ['objects', filled('{"pictures":[],"more":[', '{},')],
  ['numbers', filled('{"pictures":[],"more":[', '1,')],
  ['depth', filled('', '[')],
  ['depth of objects', filled('', '{"a":')],
  ['members', filled('{"pictures":[]', ',"a":1')],
] as const)
  test(`JSON with too many ${what} is refused before it is parsed`, ({ mock }) => {
    const parse = mock.method(JSON, 'parse');
    const decode = mock.method(body, 'toString');
    assert.throws(() => readJsonBody(body), { statusCode: 413 });
    assert.deepEqual([parse.mock.callCount(), decode.mock.callCount()], [0, 0]);
  });

test('JSON is read with any white space, escapes and members of newer versions', () => {
  const name = '"\\[{:,\\"';
  const value = { more: ['[{,:"\\'.repeat(9999)], pictures: [{ name, data: 'QUJD', more: 1 }, { data: '' }] };
  for (const text of [JSON.stringify(value), JSON.stringify(value, null, '\t\r\n ')])
    assert.deepEqual(readJsonBody(Buffer.from(text)), [
      { name, bytes: Buffer.from('ABC') },
      { bytes: Buffer.of() },
    ]);
});

test('32 pictures with names are read', () => {
  const pictures = Array.from({ length: 33 }, (_, index) => ({ data: 'QUJD', name: `${index}.jpg` }));
  const bodyOf = (list: object[]) => Buffer.from(JSON.stringify({ pictures: list }, null, 2));
  assert.equal(readJsonBody(bodyOf(pictures.slice(1))).length, 32);
  assert.throws(() => readJsonBody(bodyOf(pictures)), { statusCode: 413, message: /32 pictures/ });
});

for (const [what, data] of [
  ['with line breaks', 'QUJD\nQUJD\n'],
  ['with line breaks at multiples of four', 'QUJ\nQUJ\n'],
  ['with spaces', 'QUJD QUJDQUJ'],
  ['for URLs', 'QUJ-QUJ_'],
  ['in a data URL', 'data:image/png;base64,QUJD'],
  ['padded in the middle', 'QQ==QUJD'],
  ['padded by too much', 'Q==='],
  ['of nothing but padding', '=='.repeat(bytes)],
  ['cut', 'QUJDQ'],
  ['wrong at its end', `${'QUJD'.repeat(bytes / 4)}QU*D`],
])
  test(`base64 ${what} is refused with a reason`, () => {
    const body = Buffer.from(JSON.stringify({ pictures: [{ data }] }));
    assert.throws(() => readJsonBody(body), {
      statusCode: 400,
      message: /pictures\[0\]\.data is not base64 \(without line breaks/,
    });
  });

test('a name that is too long is refused', () => {
  const body = Buffer.from(JSON.stringify({ pictures: [{ data: '', name: 'n'.repeat(1025) }] }));
  assert.throws(() => readJsonBody(body), /more than 1024 characters/);
});
