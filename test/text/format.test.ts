import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted, wrap } from '../../src/text/format.ts';

test('one of a thing is in the singular', () => {
  assert.equal(counted(1, 'picture'), '1 picture');
  assert.equal(counted(0, 'picture'), '0 pictures');
  assert.equal(counted(2, 'class', 'classes'), '2 classes');
});

test('lines break between words, never within one', () => {
  assert.equal(wrap('one two three', { width: 9, indent: '  ' }), 'one two\n  three');
  assert.equal(wrap('one two', { width: 7 }), 'one two');
  assert.equal(wrap('  indented words', { width: 10 }), '  indented\nwords');
  assert.equal(wrap('unbreakable 0.123456789', { width: 5 }), 'unbreakable\n0.123456789');
  assert.equal(wrap('name  unbreakable', { width: 8 }), 'name\nunbreakable');
  assert.equal(wrap(''), '');
});
