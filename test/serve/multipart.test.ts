/** Valid forms, compared with Node's own parser, and hostile ones. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import { readForm, type SentPicture } from '../../src/serve/multipart.ts';

const type = 'multipart/form-data; boundary=a';
const file = 'Content-Disposition: form-data; name="f"; filename="x.jpg"';
const formOf = (...parts: string[]) =>
  Buffer.from([...parts.map((part) => `--a\r\n${part}\r\n`), '--a--\r\n'].join(''), 'latin1');
const read = (...parts: string[]) => readForm(formOf(...parts), type);
const texts = (pictures: SentPicture[]) =>
  pictures.map(({ name, bytes }) => [name, bytes.toString('latin1')]);

/** How a body is refused, and how far it was searched for boundaries: number of searches, and the farthest match. */
function refusal(body: Buffer, contentType = type) {
  const { mock: search } = mock.method(body, 'indexOf');
  try {
    readForm(body, contentType);
    return assert.fail('it was read');
  } catch (error) {
    const { statusCode, message } = error as Error & { statusCode: number };
    const farthest = Math.max(0, ...search.calls.map(({ result }) => result as number));
    return { statusCode, message, searches: search.callCount(), farthest };
  }
}

test('any bytes and names that fetch sends are parsed as Node parses them', async () => {
  const picture = fc.record({
    bytes: fc.oneof(fc.uint8Array(), fc.constantFrom('\r\n', '\r\n--', '--\r\n\r\n', '-'.repeat(99))),
    name: fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('a"b.jpg', 'é€😀.png', 'a;b="c.jpg', 'a\nb'),
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(picture, { minLength: 1, maxLength: 8 }), async (pictures) => {
      const form = new FormData();
      for (const [index, { bytes, name }] of pictures.entries()) {
        form.append(`field${index}`, 'not looked at');
        // A backslash at the end of a name is read as one that escapes the quotation mark; browsers do not escape it.
        form.append('file', new Blob([bytes]), `${name.replaceAll('\\', '')}.`);
      }
      const { headers, body } = await sent(form);
      const contentType = headers.get('content-type') as string;
      const own = readForm(body, contentType);
      const theirs = (await new Response(body, { headers: { 'content-type': contentType } }).formData())
        .getAll('file')
        .map(async (one) => [
          (one as File).name,
          Buffer.from(await (one as File).arrayBuffer()).toString('latin1'),
        ]);
      assert.deepEqual(texts(own), await Promise.all(theirs));
    }),
    { numRuns: 100 },
  );
});

async function sent(form: FormData) {
  const response = new Response(form);
  return { headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
}

const named = (parameters: string) =>
  texts(read(`Content-Disposition: form-data; name="f"${parameters}\r\n\r\n1`));
for (const [what, parameters, name] of [
  ['curl’s escapes', '; filename="a\\"b\\\\c.jpg"', 'a"b\\c.jpg'],
  ['browsers’ escapes', '; filename="a%22b%0D%0A%41.jpg"', 'a"b\r\n%41.jpg'],
  ['a Windows path', '; filename="C:\\pictures\\a.jpg"', 'C:\\pictures\\a.jpg'],
  ['UTF-8', `; filename="${Buffer.from('狐.jpg').toString('latin1')}"`, '狐.jpg'],
  ['an extended name first', '; filename="na_ve.jpg"; filename*=UTF-8\'\'na%C3%AFve.jpg', 'naïve.jpg'],
  ['a wrong extended name', '; filename="a.jpg"; filename*=UTF-8\'\'%E0%A4%A', 'a.jpg'],
  ['nothing but a wrong extended name', "; filename*=UTF-8''%E0%A4%A", undefined],
  ['no quotation marks', ';FileName=a.jpg ; x=y', 'a.jpg'],
  ['an empty name', '; filename=""', undefined],
] as const)
  test(`a name is read with ${what}`, () => assert.deepEqual(named(parameters), [[name, '1']]));

test('rare but valid forms are read', () => {
  const rare = [
    'not looked at\r\n--a  \t\r\nX-Other: 1\r\ncontent-disposition:\r\n form-data; name="f";\r\n\tfilename="1"\r\n\r\n',
    `\r\n--a\r\n${file}\r\n\r\n--a`,
    '\r\nContent-Type: image/jpeg\r\n\r\n--b',
    '\r\n--a\r\n\r\nno header, no file\r\n--a--',
    '-'.repeat(1 << 16),
  ];
  assert.deepEqual(
    texts(readForm(Buffer.from(rare.join('')), 'multipart/form-data; charset=utf-8; Boundary="a"')),
    [
      ['1', ''],
      ['x.jpg', ''],
      [undefined, '--b'],
    ],
  );
});

test('a picture is a view of the body, not a copy', () => {
  const body = formOf(`${file}\r\n\r\n123`, `${file}\r\n\r\n456`);
  const [first, second] = readForm(body, type) as [SentPicture, SentPicture];
  for (const { bytes } of [first, second]) assert.equal(bytes.buffer, body.buffer);
  assert.equal(second.bytes.byteOffset - body.byteOffset, body.indexOf('456'));
});

test('32 pictures and 16 fields are read, and not one more', () => {
  const pictures = Array<string>(32).fill(`${file}\r\n\r\n1`);
  const fields = Array<string>(16).fill('Content-Disposition: form-data; name="f"\r\n\r\n1');
  assert.equal(read(...fields, ...pictures).length, 32);
  assert.throws(() => read(...pictures, ...pictures), { statusCode: 413, message: /32 pictures/ });
  assert.throws(() => read(...fields, ...fields), { statusCode: 413, message: /16 fields/ });
});

const bytes = 4_000_000;
const filled = (text: string, start = '') => Buffer.concat([Buffer.from(start), Buffer.alloc(bytes, text)]);
/** How far an endless body may be searched: 50 parts with headers of 8 KiB. */
const near = 50 * 9000;

for (const [what, body, statusCode] of [
  ['boundaries', filled('--a\r\n'), 413],
  ['boundaries after empty lines', filled('\r\n--a'), 413],
  ['parts without a header', filled('--a\r\n\r\n\r\n'), 413],
  ['fields', filled('--a\r\nContent-Disposition: form-data; name="f"\r\n\r\n\r\n'), 413],
  ['files', filled(`--a\r\n${file}\r\n\r\n\r\n`), 413],
  ['headers', filled('X: y\r\n', '--a\r\n'), 413],
  ['one header', filled('y', '--a\r\nX: '), 413],
  ['folded lines', filled('\r\n ', '--a\r\nX: '), 413],
  ['a name', filled('n', '--a\r\nContent-Disposition: form-data; filename="'), 413],
  ['padding', filled(' ', '--a'), 413],
  ['files with long headers', filled(`--a\r\nX: ${'y'.repeat(8000)}\r\n${file}\r\n\r\n\r\n`), 413],
  ['quotation marks', filled(`--a\r\nContent-Disposition: x${'; a="'.repeat(1500)}\r\n\r\n\r\n`), 413],
  [
    'forms in forms',
    filled('\r\n--b\r\n', '--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\r\n--a'),
    400,
  ],
] as const)
  test(`a form with too many ${what} is refused early`, () => {
    const refused = refusal(body);
    assert.equal(refused.statusCode, statusCode, refused.message);
    assert.ok(refused.searches <= 50, `${refused.searches} searches`);
    assert.ok(refused.farthest <= near, `${refused.farthest} bytes were looked at`);
  });

for (const [what, body] of [
  ['empty', Buffer.alloc(0)],
  ['nothing but a preamble', filled('\r\n')],
  ['half a boundary', Buffer.from('--')],
  ['of another boundary', Buffer.from('--b\r\n\r\n\r\n--b--')],
  ['cut in its boundary', Buffer.from(`--a\r\n${file}\r\n\r\n1\r\n--`)],
  ['cut after a boundary', Buffer.from(`--a\r\n${file}\r\n\r\n1\r\n--a`)],
  ['cut in a header', Buffer.from(`--a\r\n${file}\r\n`)],
  ['cut in a file', filled('\r\n--', `--a\r\n${file}\r\n\r\n`)],
  ['with a longer boundary', Buffer.from(`--ab\r\n${file}\r\n\r\n1\r\n--ab--`)],
  ['with a header without a name', formOf(`: x\r\n${file}\r\n\r\n1`)],
  ['with a header that begins folded', formOf(` ${file}\r\n\r\n1`)],
  ['with lines that end in LF', Buffer.from(`--a\n${file}\n\n1\n--a--\n`)],
] as const)
  test(`a form that is ${what} is reported as damaged, after one search per boundary`, () => {
    const { statusCode, message, searches } = refusal(body);
    assert.equal(statusCode, 400);
    assert.match(message, /^The form \(multipart\/form-data\) is damaged: .*\.$/);
    assert.ok(searches <= 3, `${searches} searches`);
  });

for (const contentType of [
  'multipart/form-data',
  'multipart/form-data; boundary=',
  `multipart/form-data; boundary=${'b'.repeat(71)}`,
  `multipart/form-data; boundary="${'\\"'.repeat(8000)}`,
])
  test(`${contentType.slice(0, 50)} ... has no usable boundary`, () => {
    const { statusCode, searches } = refusal(formOf(`${file}\r\n\r\n1`), contentType);
    assert.deepEqual([statusCode, searches], [400, 0]);
  });

test('an encoded part, or one with a long name, is refused with what to do', () => {
  assert.throws(() => read(`${file}\r\nContent-Transfer-Encoding: BASE64\r\n\r\nAAAA`), /send the bytes/);
  assert.throws(() => named(`; filename="${'n'.repeat(1025)}"`), /more than 1024 characters/);
  assert.equal(named(`; filename="${'n'.repeat(1024)}"`).length, 1);
});
