import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nameOfId, nameOfUrl } from '../../src/collect/candidate.ts';
import { checkClassName } from '../../src/collect/collect.ts';
import { parseUrlList } from '../../src/collect/url_list.ts';
import { UsageError } from '../../src/errors.ts';

const anyText = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('https://a.b/../../etc/passwd', 'http://a.b/%2e%2e%2f.ssh', 'http://a.b/\0.jpg', '..', '/'),
);

test('a name is a single plain file name for any URL and identifier', () => {
  fc.assert(
    fc.property(anyText, anyText, (url, id) => {
      for (const name of [nameOfUrl(url), nameOfId('openverse', id, url)]) {
        assert.match(name, /^[A-Za-z0-9][\w-]{0,80}$/);
      }
    }),
  );
});

test('a name is the same each time, and different for a different URL', () => {
  fc.assert(
    fc.property(anyText, anyText, (one, other) => {
      assert.equal(nameOfUrl(one), nameOfUrl(one));
      assert.equal(nameOfUrl(one) === nameOfUrl(other), one === other);
    }),
  );
});

const ids: [id: unknown, name: RegExp][] = [
  ['36537842-b067-4ca0-ad67-e00ff2e06b2d', /^openverse-36537842-b067-4ca0-ad67-e00ff2e06b2d$/],
  ['../../x', /^[0-9a-f]{16}$/],
  ['a/b', /^[0-9a-f]{16}$/],
  ['', /^[0-9a-f]{16}$/],
  ['x'.repeat(65), /^[0-9a-f]{16}$/],
  [7, /^[0-9a-f]{16}$/],
  [undefined, /^[0-9a-f]{16}$/],
];
for (const [id, name] of ids) {
  test(`identifier ${JSON.stringify(id)}`, () =>
    assert.match(nameOfId('openverse', id, 'http://a.b/c'), name));
}

const lists: [what: string, text: string, urls: string[]][] = [
  ['nothing', '', []],
  ['only comments', '# a\n\n   # b\n', []],
  ['one without a newline', 'http://a.b/c', ['http://a.b/c']],
  ['Windows and old Mac lines', 'http://a.b/c\r\nhttp://a.b/d\rhttp://a.b/e', ['c', 'd', 'e'].map(at)],
  ['a byte order mark', '\ufeffhttp://a.b/c', ['http://a.b/c']],
  ['a comment after a URL', '  http://a.b/c  # the best one', ['http://a.b/c']],
  ['each once, without fragments', 'http://a.b/c#x\nHTTP://A.B/c\nhttp://a.b:80/c', ['http://a.b/c']],
  ['a line that is not a URL is kept', 'no url\nhttp://a.b/c', ['no url', 'http://a.b/c']],
];
function at(path: string): string {
  return `http://a.b/${path}`;
}
for (const [what, text, urls] of lists) {
  test(`list: ${what}`, () => assert.deepEqual(parseUrlList(text), urls));
}

for (const name of ['batman', 'Batman (1966)', 'Фледермаус', 'a.b', '-']) {
  test(`class ${name} is accepted`, () => assert.equal(checkClassName(name), name));
}
for (const name of ['', '.', '..', '.hidden', 'a/b', '/a', 'a\\b', '../a', 'a\nb', 'a\0', 'x'.repeat(300)]) {
  test(`class ${JSON.stringify(name.slice(0, 20))} is refused`, () =>
    assert.throws(() => checkClassName(name), UsageError));
}
