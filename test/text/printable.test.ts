import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { printable } from '../../src/text/printable.ts';

const cases: [name: string, printed: string][] = [
  ['bat.png', 'bat.png'],
  ['-rf.png', '-rf.png'],
  ['ünïcödé 🦇.png', 'ünïcödé 🦇.png'],
  ['two\nlines.png', '"two\\nlines.png"'],
  ['\u001b[31mred.png', '"\\u001b[31mred.png"'],
  ['gnp.\u202etab', '"gnp.\\u202etab"'],
  ['\u0085next.png', '"\\u0085next.png"'],
  [' blank', '" blank"'],
];

for (const [name, printed] of cases) {
  test(`${JSON.stringify(name)} is printed as ${printed}`, () => assert.equal(printable(name), printed));
}

test('any name is printed as one line without control characters', () =>
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      assert.doesNotMatch(printable(name), /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    }),
  ));
