/** bat-sup serve over HTTP. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Validator } from '@seriousme/openapi-schema-validator';
import sharp from 'sharp';
import { saveCalibration } from '../../src/checkpoints/calibration.ts';
import { type Engine, startEngine } from '../../src/engine/index.ts';
import { cli } from '../helpers/cli.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { pngClaiming } from '../helpers/hostile.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';
import { saveNetwork, speak, startServer, type TestServer } from '../helpers/server.ts';
import { until } from '../helpers/until.ts';

const folder = temporaryFolder();
const token = 'c2VjcmV0~+/';
const maxBytes = 300_000;
let server: TestServer;
let guarded: TestServer;
/** Gives a request a second. */
let hasty: TestServer;
let bat: Buffer;
let taco: Buffer;
let engine: Engine;

before(async () => {
  engine = await startEngine('cpu', { threads: 1 });
  await saveNetwork(folder, 1, 0.5);
  bat = await emoji('bat', 128).jpeg().toBuffer();
  taco = await emoji('taco').toBuffer();
  writeFileSync(join(folder, 'bat.jpg'), bat);
  writeFileSync(join(folder, 'taco.png'), taco);
  server = await startServer(folder, ['--max-bytes', String(maxBytes)]);
  hasty = await startServer(folder, ['--timeout', '1']);
  guarded = await startServer(folder, [], { BATSUP_SERVE_TOKEN: token });
});

after(async () => {
  for (const { process, ended } of [server, guarded, hasty]) {
    process.kill();
    await ended;
  }
  await engine.dispose();
});

interface Ranked {
  class: string;
  probability: number;
}

interface Answers {
  checkpoint: string;
  answers: { name?: string; classes: Ranked[]; heatMap?: string | null; error?: string }[];
}

type Sent = BodyInit | Buffer;

function postTo(url: string, body: Sent, headers: Record<string, string> = {}, signal?: AbortSignal) {
  const bytes: BodyInit = Buffer.isBuffer(body) ? new Uint8Array(body) : (body as BodyInit);
  return fetch(url, { method: 'POST', body: bytes, headers, ...(signal && { signal }) });
}

const post = (body: Sent, type?: string, query = '') =>
  postTo(`${server.url}predict${query}`, body, type === undefined ? {} : { 'content-type': type });

async function answersOf(response: Response): Promise<Answers> {
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Answers;
}

function formOf(pictures: Record<string, Buffer>): FormData {
  const form = new FormData();
  for (const [name, bytes] of Object.entries(pictures))
    form.append('file', new Blob([new Uint8Array(bytes)]), name);
  return form;
}

const jsonOf = (pictures: Buffer[]) =>
  JSON.stringify({ pictures: pictures.map((bytes) => ({ data: bytes.toString('base64') })) });

/** The classes that predict gives both pictures. */
async function predicted(): Promise<Ranked[][]> {
  const { stdout, stderr } = await cli(folder, 'predict', 'bat.jpg', 'taco.png', '--top-k', '2', '--json');
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, 2, stderr);
  return lines.map((line) => JSON.parse(line).top);
}

function assertClose(answers: Answers, expected: Ranked[][]): void {
  const [found, wanted] = [answers.answers.map((one) => one.classes), expected].map((lists) =>
    lists.map((list) => list.map((one) => one.class)),
  );
  assert.deepEqual(found, wanted);
  for (const [picture, list] of expected.entries())
    for (const [rank, { probability }] of list.entries()) {
      const other = answers.answers[picture]?.classes[rank]?.probability ?? Number.NaN;
      assert.ok(Math.abs(other - probability) < 1e-5, `${other} is not ${probability}`);
    }
}

test('a form, JSON and bytes get the same answers as predict, in their order', async () => {
  const expected = await predicted();
  const form = await answersOf(await post(formOf({ 'bat.jpg': bat, 'taco.png': taco })));
  assertClose(form, expected);
  assert.deepEqual(
    form.answers.map(({ name }) => name),
    ['bat.jpg', 'taco.png'],
  );
  assert.equal(form.checkpoint, 'checkpoints/run-001/checkpoint-00000001');
  assertClose(await answersOf(await post(jsonOf([bat, taco]), 'application/json')), expected);
  assertClose(await answersOf(await post(bat, 'image/jpeg')), expected.slice(0, 1));
  assertClose(await answersOf(await post(taco, 'application/octet-stream')), expected.slice(1));
});

test('a heat map is a PNG in the proportions of the network’s pictures, and only if requested', async () => {
  const { answers } = await answersOf(await post(bat, 'image/jpeg', '?heatmap=true'));
  const png = await sharp(Buffer.from(answers[0]?.heatMap ?? '', 'base64')).metadata();
  assert.deepEqual([png.format, png.width, png.height, png.hasAlpha], ['png', 408, 408, true]);
  const [plain] = (await answersOf(await post(bat, 'image/jpeg'))).answers;
  assert.deepEqual(Object.keys(plain ?? {}), ['classes']);
});

test('many requests at once each get their own answer', async () => {
  const expected = await predicted();
  const sent = Array.from({ length: 60 }, (_, index) => index % 2);
  const answers = await Promise.all(
    sent.map(async (which) => answersOf(await post([bat, taco][which] as Buffer, 'image/jpeg'))),
  );
  for (const [index, which] of sent.entries())
    assertClose(answers[index] as Answers, [expected[which] as Ranked[]]);
});

test('among several pictures an unreadable one gets an error instead', async () => {
  const { answers } = await answersOf(
    await post(formOf({ a: Buffer.from('text'), 'taco.png': taco, c: bat.subarray(0, 500) })),
  );
  assert.equal(answers[0]?.error, 'text, not a picture');
  assert.equal(answers[1]?.classes.length, 2);
  assert.match(answers[2]?.error ?? '', /damaged JPEG/);
});

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>';
const bmp = Buffer.alloc(60);
bmp.write('BM');
bmp.writeUInt32LE(54, 10);
bmp.writeUInt32LE(40, 14);
bmp.writeInt32LE(40_000, 18);
bmp.writeInt32LE(40_000, 22);
bmp.writeUInt16LE(8, 28);
bmp.writeUInt32LE(1, 30);

const refused: [what: string, body: Sent, type: string | undefined, status: number, detail: RegExp][] = [
  ['text', 'hello', 'image/png', 422, /^text, not a picture$/],
  ['nothing', '', 'image/png', 422, /^the file is empty$/],
  ['half a picture', new Blob([Buffer.from('\xff\xd8\xff', 'latin1')]), 'image/jpeg', 422, /damaged JPEG/],
  ['a decompression bomb', pngClaiming(40_000, 40_000), 'image/png', 422, /more than 200 million pixels/],
  [
    'more pixels than allowed',
    pngClaiming(8000, 8000),
    'image/png',
    422,
    /^its 8000 x 8000 pixels are more than 50/,
  ],
  ['a BMP of a few bytes that claims many pixels', bmp, 'image/bmp', 422, /^its 40000 x 40000 pixels/],
  ['an SVG', svg, 'image/svg+xml', 422, /^SVG is not accepted by the server$/],
  ['an unsupported type', 'a=b', 'application/x-www-form-urlencoded', 415, /^Send image\/\*/],
  ['an empty form', new FormData(), undefined, 400, /no picture in the request/],
  ['a form without its boundary', '--a', 'multipart/form-data', 400, /form .* is damaged/],
  [
    'a form that ends early',
    '--a\r\nContent-Disposition: form-data',
    'multipart/form-data; boundary=a',
    400,
    /damaged/,
  ],
  [
    'a form with 40 pictures',
    formOf(Object.fromEntries([...Array(40).keys()].map((key) => [`p${key}`, Buffer.of(1)]))),
    undefined,
    413,
    /32 pictures/,
  ],
  [
    'a form of nothing but boundaries',
    '--a\r\n'.repeat(maxBytes / 5),
    'multipart/form-data; boundary=a',
    413,
    /more than 8192 bytes/,
  ],
  [
    'a form in a form',
    '--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n--a--',
    'multipart/form-data; boundary=a',
    400,
    /parts of its own/,
  ],
  [
    'JSON of many strings',
    `{"pictures":[${'"",'.repeat(maxBytes / 5)}""]}`,
    'application/json',
    413,
    /32 pictures/,
  ],
  ['broken JSON', '{', 'application/json', 400, /^The body is not JSON/],
  ['deep JSON', '['.repeat(100_000), 'application/json', 413, /more than 32 pictures/],
  ['JSON without pictures', '{}', 'application/json', 400, /pictures is not a list/],
  ['JSON of no pictures', '{"pictures":[]}', 'application/json', 400, /no picture in the request/],
  [
    'invalid base64',
    '{"pictures":[{"data":"*"}]}',
    'application/json',
    400,
    /pictures\[0\]\.data is not base64/,
  ],
  ['base64 that is cut', '{"pictures":[{"data":"QUJDR"}]}', 'application/json', 400, /is not base64/],
  ['a prototype', '{"__proto__":{"pictures":[]}}', 'application/json', 400, /pictures is not a list/],
  ['too many bytes', Buffer.alloc(maxBytes + 1), 'image/png', 413, /more than 300000 bytes/],
];

for (const [what, body, type, status, detail] of refused)
  test(`${what} is refused in one sentence`, async () => {
    const response = await post(body, type);
    assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
    const problem = (await response.json()) as Record<string, unknown>;
    assert.deepEqual([response.status, problem.status], [status, status]);
    assert.match(String(problem.detail), detail);
  });

test('a body without a length is cut off once it is too large', async () => {
  let sent = 0;
  const status = await new Promise((resolve) => {
    const client = request(`${server.url}predict`, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
    });
    client.on('response', ({ statusCode }) => {
      resolve(statusCode);
      client.destroy();
    });
    client.on('error', resolve);
    const fill = () => {
      while (!client.destroyed && client.write(Buffer.alloc(1 << 16))) sent += 1 << 16;
    };
    client.on('drain', fill);
    fill();
  });
  assert.equal(status, 413);
  assert.ok(sent < 50 * maxBytes, `${sent} bytes were taken`);
});

const head = 'POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n';
const spoken: [what: string, text: string, status: number][] = [
  ['a huge header', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(50_000)}\r\n\r\n`, 431],
  ['bytes that are not HTTP', '\x16\x03\x01\x02\x00\r\n\r\n', 400],
  ['two lengths', `${head}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`, 400],
  ['a length and chunks', `${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
];

async function assertRefused({ port }: TestServer, text: string, status: number) {
  const answer = await speak(port, text);
  assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
  assert.match(answer, /application\/problem\+json/);
}

for (const [what, text, status] of spoken)
  test(`${what} is refused and the connection closed`, () => assertRefused(server, text, status));

for (const [what, text] of [
  ['body', `${head}Content-Length: 100\r\n\r\nabc`],
  ['header', head],
] as const)
  test(`a ${what} that stalls is refused and the connection closed`, () => assertRefused(hasty, text, 408));

test('a client that closes its side of the connection gets its answer', async () => {
  // A PNG, which is decoded in another thread: its answer comes after the end of what the client sends.
  const text = Buffer.concat([Buffer.from(`${head}Content-Length: ${taco.length}\r\n\r\n`), taco]);
  const answer = await speak(server.port, text, true);
  assert.match(answer, /^HTTP\/1.1 200 /);
  assert.equal(JSON.parse(answer.split('\r\n\r\n')[1] as string).answers[0].classes.length, 2);
});

test('a client that closes its side within its request is refused', async () => {
  assert.match(
    await speak(server.port, `${head}Content-Length: 100\r\n\r\nabc`, true),
    /^(HTTP\/1.1 400 |$)/,
  );
});

for (const coding of ['gzip', 'deflate', 'br', 'zstd', 'x-nothing'])
  test(`a body in ${coding} is refused with what to send`, async () => {
    const response = await postTo(`${server.url}predict`, gzipSync(bat), {
      'content-type': 'image/jpeg',
      'content-encoding': coding,
    });
    assert.deepEqual([response.status, response.headers.get('accept-encoding')], [415, 'identity']);
    assert.match(await response.text(), /without a Content-Encoding/);
  });

/** Sends a request with these headers as they are. @returns the status and the body of the answer. */
async function askWith({ port }: TestServer, method: string, path: string, headers: Record<string, string>) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const text = `${method} ${path} HTTP/1.1\r\n${lines.join('')}Connection: close\r\n`;
  const answer = await speak(port, `${text}Content-Type: image/png\r\nContent-Length: 1\r\n\r\nx`);
  return { status: Number(answer.split(' ')[1]), answer };
}

for (const [host, allowed] of Object.entries({
  localhost: true,
  'LOCALHOST:8080': true,
  'localhost.:1': true,
  '127.0.0.1:80': true,
  '127.8.9.1': true,
  '[::1]:8080': true,
  '[::ffff:127.0.0.1]': true,
  'evil.example': false,
  'evil.example:8080': false,
  'localhost.evil.example': false,
  'localhost:80@evil.example': false,
  '127.0.0.1.evil.example': false,
  '192.168.1.7:8080': false,
  '[2001:db8::1]': false,
  '0.0.0.0': false,
  '': false,
}))
  test(`a request to "${host}" is ${allowed ? 'answered' : 'refused'}`, async () => {
    for (const path of ['/', '/model', '/nothing']) {
      const { status, answer } = await askWith(server, 'GET', path, { Host: host });
      assert.equal(status, allowed ? (path === '/nothing' ? 404 : 200) : 403);
      if (!allowed) assert.match(answer, /answers as localhost, 127.0.0.1 and \[::1\].*BATSUP_SERVE_TOKEN/);
    }
    const { status } = await askWith(guarded, 'GET', '/', { Host: host });
    assert.equal(status, 200, 'with a token the Host is not checked');
  });

const browsers: [what: string, headers: Record<string, string>, allowed: boolean][] = [
  ['curl', {}, true],
  ['the page', { Origin: 'http://localhost:80', 'Sec-Fetch-Site': 'same-origin' }, true],
  ['the page in an older browser', { Origin: 'http://localhost:80' }, true],
  ['the page behind a proxy with HTTPS', { Origin: 'https://localhost:80' }, true],
  ['a page of another site', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }, false],
  ['a page of another site in an older browser', { Origin: 'https://evil.example' }, false],
  ['a page of another port', { Origin: 'http://localhost:81', 'Sec-Fetch-Site': 'same-site' }, false],
  ['a page of another port in an older browser', { Origin: 'http://localhost:81' }, false],
  ['a page that hides where it is from', { Origin: 'null' }, false],
  ['a form that hides where it is from', { 'Sec-Fetch-Site': 'cross-site' }, false],
];

for (const [what, headers, allowed] of browsers)
  test(`a picture that ${what} sends is ${allowed ? 'accepted' : 'refused'}`, async () => {
    const { status, answer } = await askWith(server, 'POST', '/predict', {
      Host: 'localhost:80',
      ...headers,
    });
    assert.equal(status, allowed ? 422 : 403, answer);
    if (!allowed) assert.match(answer, /Pages of other sites cannot use this server/);
  });

test('a server open to all answers to any name, but not to pages of other sites', async () => {
  const open = await startServer(folder, ['--host', '0.0.0.0']);
  const host = { Host: 'pictures.example:80' };
  assert.equal((await askWith(open, 'GET', '/model', host)).status, 200);
  for (const [origin, status] of [
    ['http://pictures.example:80', 422],
    ['http://evil.example', 403],
  ] as const)
    assert.equal((await askWith(open, 'POST', '/predict', { ...host, Origin: origin })).status, status);
  open.process.kill();
  const { stderr } = await open.ended;
  assert.match(stderr, /everyone who can reach .* can use it; set BATSUP_SERVE_TOKEN/);
  assert.doesNotMatch(server.said(), /whoever/);
});

for (const path of [
  '/../package.json',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/..%2fserve.js',
  '//etc/passwd',
  '/answer.js/../serve.js',
  '/serve.js',
  '/index.html%00',
  '/style.css/',
])
  test(`${path} leads nowhere`, async () => {
    const answer = await speak(
      server.port,
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1.1 40[04] /);
  });

test('another method is refused with those that are allowed', async () => {
  const response = await fetch(`${server.url}predict`, { method: 'DELETE' });
  assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST']);
});

test('after all this it still answers, and clients that left have nothing waiting', async () => {
  const gone = Array.from({ length: 20 }, () =>
    postTo(`${server.url}predict`, bat, { 'content-type': 'image/jpeg' }, AbortSignal.timeout(3)).catch(
      () => {},
    ),
  );
  await Promise.all(gone);
  await until(async () =>
    /^batsup_waiting_pictures 0$/m.test(await (await fetch(`${server.url}metrics`)).text()),
  );
  await answersOf(await post(bat, 'image/jpeg'));
  assert.doesNotMatch(server.said(), /Error|undefined/);
});

test('every answer has the security headers', async () => {
  for (const path of ['', 'predict', 'nothing', 'openapi.json']) {
    const { headers } = await fetch(`${server.url}${path}`);
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*script-src 'self'/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('x-frame-options'), 'DENY');
  }
});

test('its description is valid OpenAPI and matches its answers', async () => {
  const description = (await (await fetch(`${server.url}openapi.json`)).json()) as {
    openapi: string;
    paths: Record<string, Record<string, unknown>>;
  };
  const result = await new Validator().validate(structuredClone(description));
  assert.deepEqual([result.valid, result.errors], [true, undefined]);
  assert.match(description.openapi, /^3\.1/);
  for (const [path, operations] of Object.entries(description.paths))
    for (const method of Object.keys(operations)) {
      const { status } = await fetch(`${server.url.slice(0, -1)}${path}`, { method });
      assert.equal(status, path === '/predict' ? 400 : 200, path);
    }
  const model = await (await fetch(`${server.url}model`)).json();
  const { required } = (
    description as never as { components: { schemas: { Model: { required: string[] } } } }
  ).components.schemas.Model;
  assert.deepEqual(Object.keys(model as object).sort(), [...required].sort());
});

test('Prometheus’s own parser reads the metrics, and they count', {
  skip: withoutPackage('prometheus_client'),
}, async () => {
  const file = join(folder, 'metrics.txt');
  const read = async () => {
    writeFileSync(file, await (await fetch(`${server.url}metrics`)).text());
    return runPython(new URL('../serve/read_metrics.py', import.meta.url), file) as Record<string, number>;
  };
  const before = await read();
  await post(formOf({ a: bat, b: taco, c: Buffer.from('text') }));
  const now = await read();
  const grown = (name: string) => (now[name] ?? 0) - (before[name] ?? 0);
  assert.equal(grown('batsup_pictures_total{result=answered}'), 2);
  assert.equal(grown('batsup_pictures_total{result=unreadable}'), 1);
  assert.equal(grown('batsup_batch_pictures_sum{}'), 2);
  assert.equal(grown('batsup_request_duration_seconds_count{method=POST,route=/predict,status=200}'), 1);
  assert.equal(now['batsup_checkpoint_info{checkpoint=checkpoints/run-001/checkpoint-00000001}'], 1);
});

test('with a token only its holder is answered, but anyone may ask for the health', async () => {
  const asked = (authorization?: string) =>
    postTo(`${guarded.url}predict`, bat, {
      'content-type': 'image/jpeg',
      ...(authorization !== undefined && { authorization }),
    });
  for (const wrong of [undefined, '', token, `Basic ${token}`, 'Bearer', 'Bearer a', `Bearer ${token}x`]) {
    const response = await asked(wrong);
    assert.equal(response.status, 401, String(wrong));
    assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer/);
  }
  assert.equal((await asked(`Bearer ${token}`)).status, 200);
  const statuses = await Promise.all(
    ['', 'healthz', 'readyz', 'openapi.json', 'metrics', 'model'].map(
      async (path) => (await fetch(`${guarded.url}${path}`)).status,
    ),
  );
  assert.deepEqual(statuses, [200, 200, 200, 200, 401, 401]);
});

const wrongUse: [flags: string[], says: RegExp, code: number][] = [
  [['--port', '70000'], /--port must be a whole number from 0 to 65535; received "70000"/, 2],
  [['--max-queue', '0'], /--max-queue must be a whole number of at least 1; received "0"/, 2],
  [['--host', '192.0.2.1'], /Cannot listen on 192\.0\.2\.1/, 1],
  [['--host', ''], /--host is empty; give an address/, 2],
  [['--host='], /--host is empty; give an address/, 2],
  [['--checkpoint', 'nowhere'], /nowhere holds no checkpoint/, 1],
];

for (const [flags, says, code] of wrongUse)
  test(`serve ${flags.join(' ')} is refused in one line`, async () => {
    const run = await cli(folder, 'serve', '--port', '0', ...flags);
    assert.equal(run.code, code, run.stderr);
    assert.match(run.stderr, says);
    assert.equal(run.stderr.trim().split('\n').length, 1);
  });

test('a port in use is an error in one line', async () => {
  const { code, stderr } = await cli(folder, 'serve', '--port', String(server.port));
  assert.deepEqual(
    [code, stderr],
    [1, `bat-sup: Port ${server.port} of 127.0.0.1 is in use; choose another with --port.\n`],
  );
});

test('a new calibration is loaded while it runs', async () => {
  const checkpoint = join(folder, 'checkpoints', 'run-001', 'checkpoint-00000001');
  const [before] = (await answersOf(await post(bat, 'image/jpeg'))).answers;
  const uncalibrated = before?.classes[0]?.probability;
  await saveCalibration(checkpoint, { temperature: 8, pictures: 100 });
  try {
    const expected = await predicted();
    for (;;) {
      const answers = await answersOf(await post(bat, 'image/jpeg'));
      if (answers.answers[0]?.classes[0]?.probability !== uncalibrated) {
        assertClose(answers, expected.slice(0, 1));
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    rmSync(join(checkpoint, 'calibration.json'));
  }
});
