import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { type CollectReport, collect, collectDefaults } from '../../src/collect/collect.ts';
import { readLedger } from '../../src/collect/ledger.ts';
import { UsageError } from '../../src/errors.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { pngClaiming } from '../helpers/hostile.ts';
import { assertRefused } from '../helpers/refused.ts';
import { type Handler, noisyPicture, picture, run, type Server, send, serve } from './server.ts';

const files = (rawData: string) =>
  readdirSync(join(rawData, 'bat')).filter((name) => name !== '.collected.jsonl');
const reasons = ({ failed }: CollectReport) => failed.map(({ reason }) => reason);
const status =
  (code: number, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    response.writeHead(code, headers).end();
const redirect = (location: string) => status(302, { location });

/** Each handler in turn, the last one from then on. */
function inTurn(...handlers: Handler[]): Handler {
  let next = 0;
  return (request, response) =>
    (handlers[Math.min(next++, handlers.length - 1)] as Handler)(request, response);
}

test('files get the extension of their format, whatever the URL and the server say', async () => {
  const formats = { png: 'png', jpeg: 'jpg', webp: 'webp', gif: 'gif', tiff: 'tif', avif: 'avif' } as const;
  const handlers: Record<string, Handler> = {};
  for (const format of Object.keys(formats) as (keyof typeof formats)[]) {
    const bytes = await picture(10, format);
    handlers[`/${format}.php?as=.exe`] = send(bytes, { 'Content-Type': 'text/html' });
  }
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>';
  handlers['/drawing'] = send(svg, { 'Content-Type': 'image/png' });
  const server = await serve(handlers);
  const rawData = temporaryFolder();
  const urls = Object.keys(handlers).map((path) => server.origin() + path);
  const report = await run(rawData, { urls });
  assert.deepEqual([report.fetched, report.pictures, report.failed], [7, 7, []]);
  const entries = await readLedger(join(rawData, 'bat'));
  const extensions = urls.map((url) => {
    const entry = entries.get(url);
    assert.ok(entry?.state === 'stored');
    assert.ok(existsSync(join(rawData, 'bat', entry.file)));
    return entry.file.split('.')[1];
  });
  assert.deepEqual(extensions, [...Object.values(formats), 'svg']);
  assert.equal(files(rawData).length, 7);
});

const drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M1 1h4v4z"/></svg>';
const doctype =
  '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">';
const drawings: [what: string, text: string, isPicture: boolean][] = [
  ['plain', drawing, true],
  ['with declarations', `<?xml version="1.0"?>\n${doctype}\n${drawing}`, true],
  ['after a byte order mark', `\ufeff<?xml version="1.0"?>${drawing}`, true],
  ['after a long comment', `<!-- ${'bat '.repeat(140)} -->${drawing}`, true],
  ['XHTML', '<?xml version="1.0"?><!DOCTYPE html><html><body/></html>', false],
  ['a feed', `<?xml version="1.0"?><rss>${'bat '.repeat(300)}</rss>`, false],
];
for (const [what, text, isPicture] of drawings) {
  test(`SVG: ${what}`, async () => {
    const server = await serve({ '/x': send(text) });
    const rawData = temporaryFolder();
    const report = await run(rawData, { urls: [`${server.origin()}/x`] });
    assert.deepEqual([report.fetched, report.failed.length], isPicture ? [1, 0] : [0, 1]);
    assert.deepEqual(
      files(rawData).map((name) => name.split('.')[1]),
      isPicture ? ['svg'] : [],
    );
    if (!isPicture) assert.equal(reasons(report)[0], 'text, not a picture');
  });
}

test('the bytes are stored as sent, and the request identifies bat-sup', async () => {
  const bytes = await noisyPicture(200);
  const server = await serve({ '/bat.png': send(bytes) });
  const rawData = temporaryFolder();
  await run(rawData, { urls: [`${server.origin()}/bat.png`] });
  const [file] = files(rawData);
  assert.deepEqual(readFileSync(join(rawData, 'bat', file as string)), bytes);
  const headers = server.headers.get('/bat.png');
  assert.match(headers?.['user-agent'] ?? '', /^bat-sup\/\d+\.\d+\.\d+/);
  assert.equal(headers?.['accept-encoding'], 'identity');
});

const good = await noisyPicture(64);
const endless: Handler = (_, response) => {
  response.writeHead(200);
  response.write(good.subarray(0, 600));
  const more = () => {
    while (!response.destroyed && response.write(Buffer.alloc(65536)));
  };
  response.on('drain', more);
  more();
};
const half = good.subarray(0, good.length / 2);

/** `tried` is the number of requests, `again` whether the next run tries the URL again. */
const bad: [what: string, handler: Handler, says: RegExp, tried: number, again: boolean][] = [
  ['missing', status(404), /^HTTP 404$/, 1, false],
  ['gone', status(410), /^HTTP 410$/, 1, false],
  ['forbidden', status(403), /^HTTP 403$/, 1, false],
  ['no content', status(204), /^HTTP 204$/, 1, false],
  ['redirects nowhere', status(302), /^HTTP 302$/, 1, false],
  ['always 500', status(500), /^HTTP 500 \(tried 4 times\)$/, 4, true],
  ['always 503', status(503, { 'retry-after': '0' }), /^HTTP 503 \(tried 4 times\)$/, 4, true],
  ['HTML', send('<!doctype html><p>bat', { 'Content-Type': 'image/png' }), /^HTML, not a picture$/, 1, false],
  ['long HTML', send(`<html>${'bat'.repeat(9999)}`), /^HTML, not a picture$/, 1, false],
  ['text', send('no picture', { 'Content-Type': 'image/jpeg' }), /^text, not a picture$/, 1, false],
  ['something else', send(Buffer.alloc(2000, 7)), /^not a picture$/, 1, false],
  ['nothing', send(''), /^the file is empty$/, 1, false],
  ['half a BMP', send(Buffer.from('BM0000000000')), /^damaged BMP/, 1, false],
  ['half a picture, sent as a whole', send(half), /^damaged PNG/, 1, false],
  [
    'too large as announced',
    send(Buffer.concat([good, Buffer.alloc(60_000)])),
    /^it is larger than 50000 bytes/,
    1,
    false,
  ],
  ['endless', endless, /^it is larger than 50000 bytes/, 1, false],
  [
    'too many pixels',
    send(pngClaiming(12_000, 12_000)),
    /^its 12000 x 12000 pixels are more than 100 mega/,
    1,
    false,
  ],
  [
    'compressed',
    send(gzipSync(Buffer.alloc(50_000_000)), { 'Content-Encoding': 'gzip' }),
    /^it is sent compressed \(gzip\)$/,
    1,
    false,
  ],
  [
    'less than announced',
    (_, response) => {
      response.writeHead(200, { 'Content-Length': String(good.length) });
      response.write(half, () => response.destroy());
    },
    /^the connection broke off \(tried 4 times\)$/,
    4,
    true,
  ],
  [
    'in chunks that break off',
    (_, response) => {
      response.writeHead(200);
      response.write(half, () => response.destroy());
    },
    /^the connection broke off \(tried 4 times\)$/,
    4,
    true,
  ],
  [
    'dropped before the answer',
    (request) => request.socket.destroy(),
    /^the connection broke off \(tried 4 times\)$/,
    4,
    true,
  ],
  ['no HTTP', (request) => request.socket.end('bat\r\n\r\n'), /\(tried 4 times\)$/, 4, true],
  [
    'an address that is not allowed',
    redirect('http://127.0.0.2/bat.png'),
    /^127\.0\.0\.2 is not a public address; --allow-private allows it$/,
    1,
    true,
  ],
  ['another one', redirect('http://[::1]:80/'), /^::1 is not a public address/, 1, true],
  ['metadata', redirect('http://169.254.169.254/latest'), /^169\.254\.169\.254 is not a public/, 1, true],
  ['a file', redirect('file:///etc/passwd'), /^file: is refused; only http: and https:/, 1, false],
  ['no URL', redirect('http://:/'), /^"http:\/\/:\/" is not a URL$/, 1, false],
  ['itself', redirect('?'), /^it redirects more than 5 times$/, 6, false],
];

for (const [what, handler, says, tried, again] of bad) {
  test(`${what}: the reason is reported, nothing is kept, the others continue`, async () => {
    const server = await serve((request, response) => {
      if (request.url === '/robots.txt') return response.writeHead(404).end();
      if (request.url === '/good') return send(good)(request, response);
      return handler(request, response);
    });
    const rawData = temporaryFolder();
    const url = `${server.origin()}/x`;
    const source = { urls: [url, `${server.origin()}/good`] };
    const report = await run(rawData, source, { maxBytes: 50_000 });
    assert.equal(report.fetched, 1);
    assert.match(reasons(report)[0] ?? '', says);
    assert.deepEqual(
      report.failed.map((one) => [one.url, one.again]),
      [[url, again]],
    );
    assert.equal(files(rawData).length, 1, 'no part of a file is left');
    assert.equal(server.requests.filter((path) => path === '/x').length, tried);

    const second = await run(rawData, source, { maxBytes: 50_000 });
    assert.deepEqual([second.thereBefore, second.failedBefore], [1, again ? 0 : 1]);
    assert.equal(server.requests.filter((path) => path === '/good').length, 1);
    const third = await run(rawData, source, { maxBytes: 50_000, again: true });
    assert.equal(third.failed.length, 1);
  });
}

const passing: [what: string, ...handlers: Handler[]][] = [
  ['500, then well', status(500), status(502), send(good)],
  ['429 with Retry-After, then well', status(429, { 'Retry-After': '0' }), send(good)],
  ['503 with a date, then well', status(503, { 'Retry-After': 'Mon, 01 Jan 2024 12:00:00 GMT' }), send(good)],
  ['dropped, then well', (request) => request.socket.destroy(), send(good)],
  [
    'broken off, then well',
    (_, response) => {
      response.writeHead(200, { 'Content-Length': String(good.length) });
      response.write(half, () => response.destroy());
    },
    send(good),
  ],
];
for (const [what, ...handlers] of passing) {
  test(`${what}: it is fetched`, async () => {
    const server = await serve({ '/x': inTurn(...handlers) });
    const rawData = temporaryFolder();
    const report = await run(rawData, { urls: [`${server.origin()}/x`] });
    assert.deepEqual([report.fetched, report.failed], [1, []]);
    assert.equal(server.requests.length, handlers.length);
    const [file] = files(rawData);
    assert.deepEqual(readFileSync(join(rawData, 'bat', file as string)), good);
  });
}

const stalls: [what: string, handler: Handler, says: RegExp][] = [
  ['no answer', () => {}, /^nothing came for 0\.05 s \(tried 2 times\)$/],
  [
    'an answer that stops',
    (_, response) => response.writeHead(200).write(half),
    /^nothing came for 0\.05 s \(tried 2 times\)$/,
  ],
  [
    'drops for ever',
    (_, response) => {
      response.writeHead(200).write(half);
      const drip = setInterval(() => response.write(Buffer.alloc(1)), 5);
      response.on('close', () => clearInterval(drip));
    },
    /^it takes longer than 0\.2 s \(tried 2 times\)$/,
  ],
];
for (const [what, handler, says] of stalls) {
  test(`${what}: the request fails`, async () => {
    const server = await serve({ '/x': handler });
    const rawData = temporaryFolder();
    const idleTimeout = what === 'drops for ever' ? 60_000 : 50;
    const web = {
      attempts: 2,
      idleTimeout,
      totalTimeout: idleTimeout === 50 ? 60_000 : 200,
      ignoreRobots: true,
    };
    const report = await run(rawData, { urls: [`${server.origin()}/x`] }, { web });
    assert.match(reasons(report)[0] ?? '', says);
    assert.deepEqual(files(rawData), []);
    assert.equal(server.requests.length, 2);
  });
}

test('redirects are followed, to other hosts too', async () => {
  const server = await serve((request, response) => {
    const host = request.headers.host ?? '';
    const other = `http://${host.replace('one.test', 'two.test')}`;
    const handlers: Record<string, Handler> = {
      '/a': redirect('/b'),
      '/b': status(301, { location: 'c?x=1' }),
      '/c?x=1': status(307, { location: `${other}/d` }),
      '/d': host.startsWith('two.test') ? status(308, { location: '/e' }) : status(404),
      '/e': redirect('/f'),
      '/f': send(good),
    };
    (handlers[request.url ?? ''] ?? status(404))(request, response);
  });
  const rawData = temporaryFolder();
  const report = await run(rawData, { urls: [`${server.origin('one.test')}/a`] });
  assert.deepEqual([report.fetched, report.failed], [1, []]);
  assert.deepEqual(server.requests, ['/a', '/b', '/c?x=1', '/d', '/e', '/f']);
});

test('an address is checked on each connection, whatever the name resolved to before', async () => {
  const server = await serve({
    '/a': (_, response) => response.writeHead(302, { location: '/b', connection: 'close' }).end(),
    '/b': send(good),
  });
  let lookups = 0;
  const resolve = async () => [{ address: lookups++ === 0 ? '127.0.0.1' : '10.0.0.1', family: 4 }];
  const web = { resolve, ignoreRobots: true };
  const report = await run(temporaryFolder(), { urls: [`${server.origin('bat.test')}/a`] }, { web });
  assert.match(reasons(report)[0] ?? '', /^bat\.test \(10\.0\.0\.1\) is not a public address/);
  assert.deepEqual(server.requests, ['/a']);
});

test('by default only public addresses are connected to', async () => {
  const server = await serve({ '/x': send(good) });
  const urls = [`${server.origin()}/x`, `${server.origin('localhost')}/x`];
  const options = { ...collectDefaults, rawData: temporaryFolder(), className: 'bat', source: { urls } };
  const report = await collect(options);
  assert.equal(report.failed.length, 2);
  for (const reason of reasons(report)) assert.match(reason, /not a public address/);
  assert.equal(server.maxOpen.size, 0, 'not even for robots.txt');
});

test('the same bytes from two URLs are one picture, and both URLs are recorded', async () => {
  const server = await serve((request, response) => send(good)(request, response));
  const rawData = temporaryFolder();
  const urls = ['a', 'b', 'c', 'd'].map((path) => `${server.origin()}/${path}`);
  const source = { urls };
  const report = await run(rawData, source);
  assert.deepEqual([report.pictures, report.fetched, report.duplicates, report.failed], [1, 1, 3, []]);
  assert.equal(files(rawData).length, 1);
  const entries = [...(await readLedger(join(rawData, 'bat'))).values()];
  assert.deepEqual(entries.map((entry) => entry.url).sort(), urls);
  assert.deepEqual(
    entries.map((entry) => 'file' in entry && entry.file),
    Array(4).fill(files(rawData)[0]),
  );
  const second = await run(rawData, source);
  assert.deepEqual([second.thereBefore, second.fetched], [4, 0]);
});

test('a second run fetches only the missing pictures', async () => {
  const bytes = await Promise.all([1, 2, 3].map((red) => picture(red)));
  const server = await serve((request, response) =>
    send(bytes[Number(request.url?.slice(1))] ?? '')(request, response),
  );
  const rawData = temporaryFolder();
  const urls = [0, 1, 2].map((path) => `${server.origin()}/${path}`);
  await run(rawData, { urls: urls.slice(0, 2) });
  const before = files(rawData);
  rmSync(join(rawData, 'bat', before[0] as string));
  const report = await run(rawData, { urls });
  assert.deepEqual([report.thereBefore, report.fetched, report.pictures], [1, 2, 3]);
  assert.equal(server.requests.length, 4);
  assert.deepEqual(
    before.filter((file) => !files(rawData).includes(file)),
    [],
  );
});

async function manyPictures(count: number): Promise<{ server: Server; urls: string[] }> {
  const bytes = await Promise.all(Array.from({ length: count }, (_, red) => picture(red)));
  const server = await serve((request, response) => {
    const index = /\d+$/.exec(request.url ?? '')?.[0];
    if (index === undefined) return response.writeHead(404).end();
    // Long enough for the other requests to arrive.
    return setTimeout(() => response.end(bytes[Number(index)]), 3);
  });
  return { server, urls: bytes.map((_, index) => `${server.origin(`${index % 5}.test`)}/${index}`) };
}

test('the count includes existing pictures, but not augmented copies', async () => {
  const { server, urls } = await manyPictures(30);
  const rawData = temporaryFolder();
  mkdirSync(join(rawData, 'bat', 'own'), { recursive: true });
  writeFileSync(join(rawData, 'bat', 'own', 'a.png'), await picture(77));
  writeFileSync(join(rawData, 'bat', 'own', 'a.png.aug-0001.jpg'), await picture(78));
  const report = await run(rawData, { urls }, { count: 8 });
  assert.deepEqual([report.pictures, report.fetched], [8, 7]);
  assert.equal(server.requests.length, 7, 'no more requests than pictures wanted');
  const second = await run(rawData, { urls }, { count: 8 });
  assert.deepEqual([second.pictures, second.fetched], [8, 0]);
  assert.equal(server.requests.length, 7);
});

test('a failure is replaced by the next candidate', async () => {
  const { server, urls } = await manyPictures(12);
  const dead = urls.map((url) => url.replace(/\d+$/, 'dead'));
  const mixed = urls.flatMap((url, index) => [`${dead[index]}${'x'.repeat(index)}`, url]);
  const report = await run(temporaryFolder(), { urls: mixed }, { count: 10 });
  assert.equal(report.pictures, 10);
  assert.equal(server.requests.filter((path) => /\d$/.test(path)).length, 10);
});

for (const [concurrency, perHost] of [
  [8, 2],
  [3, 2],
  [1, 1],
  [20, 4],
] as const) {
  test(`at most ${concurrency} requests in flight, ${perHost} for each host`, async () => {
    const bytes = await Promise.all(Array.from({ length: 60 }, (_, red) => picture(red)));
    const expected = Math.min(concurrency, 5 * perHost);
    // Nothing is answered until so many requests are in flight; with fewer the run would never end.
    let held: (() => void)[] | undefined = [];
    const server = await serve((request, response) => {
      if (request.url === '/robots.txt') return response.writeHead(404).end();
      const answer = () => response.end(bytes[Number(request.url?.slice(1))]);
      if (!held) return setTimeout(answer, 2);
      held.push(answer);
      if (held.length < expected) return undefined;
      for (const release of held) release();
      held = undefined;
      return undefined;
    });
    const urls = bytes.map((_, index) => `${server.origin(`${index % 5}.test`)}/${index}`);
    const report = await run(temporaryFolder(), { urls }, { web: { concurrency, perHost } });
    assert.equal(report.fetched, 60);
    for (const [host, max] of server.maxOpen) {
      const limit = host === '' ? concurrency : perHost;
      assert.ok(max <= limit, `${host}: ${max}`);
    }
  });
}

test('one host’s queue does not keep another host waiting', async () => {
  const bytes = await picture(1);
  let release = () => {};
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = await serve((request, response) => {
    if (request.url === '/robots.txt') return response.writeHead(404).end();
    if (request.headers.host?.startsWith('slow')) return blocked.then(() => response.end(bytes));
    release();
    return response.end(bytes);
  });
  const slow = Array.from({ length: 20 }, (_, index) => `${server.origin('slow.test')}/${index}`);
  const report = await run(temporaryFolder(), { urls: [...slow, `${server.origin('quick.test')}/q`] });
  assert.equal(report.fetched + report.duplicates, 21);
});

test('many waiting hosts cause no warning', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  const server = await serve({ '/x': send(good) });
  const urls = Array.from({ length: 20 }, (_, index) => `${server.origin(`${index}.test`)}/x`);
  await run(temporaryFolder(), { urls }, { web: { delay: 20 } });
  await new Promise(setImmediate);
  process.off('warning', note);
  assert.deepEqual(warnings, []);
});

test('a host that asks for a long pause is left alone, the others are not', async () => {
  const bytes = await picture(1);
  const server = await serve((request, response) => {
    if (request.url === '/robots.txt') return response.writeHead(404).end();
    const busy = request.headers.host?.startsWith('busy');
    return busy ? status(429, { 'Retry-After': '3600' })(request, response) : response.end(bytes);
  });
  const busy = [1, 2, 3, 4, 5, 6].map((path) => `${server.origin('busy.test')}/${path}`);
  const urls = [...busy, `${server.origin('idle.test')}/x`];
  const report = await run(temporaryFolder(), { urls }, { web: { perHost: 1 } });
  assert.equal(report.fetched, 1);
  assert.deepEqual(
    report.failed.map(({ again }) => again),
    Array(6).fill(true),
  );
  for (const reason of reasons(report))
    assert.match(reason, /^busy\.test:\d+ asks for a pause of (60|59) min$/);
  assert.deepEqual(server.requests.sort(), ['/1', '/x']);
});

const robots: [what: string, text: string | number, allowed: boolean][] = [
  ['none', 404, true],
  ['forbidden itself', 403, true],
  ['empty', '', true],
  ['all forbidden', 'User-agent: *\nDisallow: /', false],
  ['we are forbidden', 'User-agent: bat-sup\nDisallow: /pictures/', false],
  ['others are forbidden', 'User-agent: other\nDisallow: /', true],
  ['we are allowed', 'User-agent: *\nDisallow: /\n\nUser-agent: bat-sup\nAllow: /', true],
  ['a pattern', 'User-agent: *\nDisallow: /*.png$', false],
  ['another folder', 'User-agent: *\nDisallow: /private/', true],
  ['broken', '<html>404</html>', true],
  ['cannot be read', 500, false],
];
for (const [what, text, allowed] of robots) {
  test(`robots.txt: ${what}`, async () => {
    const handler = typeof text === 'number' ? status(text) : send(text);
    const server = await serve({ '/robots.txt': handler, '/pictures/bat.png': send(good) });
    const urls = [`${server.origin()}/pictures/bat.png`];
    const rawData = temporaryFolder();
    const report = await run(rawData, { urls });
    assert.equal(report.fetched, allowed ? 1 : 0);
    assert.equal(server.requests.length, allowed ? 1 : 0);
    if (!allowed) assert.match(reasons(report)[0] ?? '', /robots\.txt/);
    const forced = await run(rawData, { urls }, { web: { ignoreRobots: true } });
    assert.equal(forced.fetched + forced.thereBefore, 1);
  });
}

test('robots.txt is requested once from each host of a redirect', async () => {
  let asked = 0;
  const server = await serve((request, response) => {
    const one = request.headers.host?.startsWith('one');
    if (request.url === '/robots.txt') {
      asked++;
      return response.end(one ? '' : 'User-agent: *\nDisallow: /');
    }
    return response.writeHead(302, { location: `${server.origin('two.test')}/x` }).end();
  });
  const urls = [1, 2, 3].map((path) => `${server.origin('one.test')}/${path}`);
  const report = await run(temporaryFolder(), { urls });
  for (const reason of reasons(report)) assert.match(reason, /the robots\.txt of two\.test:\d+ forbids it/);
  assert.deepEqual([report.failed.length, asked], [3, 2]);
});

const asksToWait: [what: string, robots: string, handler: Handler, requests: number][] = [
  ['Crawl-delay', 'User-agent: *\nCrawl-delay: 5000', send(good), 0],
  ['Retry-After', '', status(429, { 'Retry-After': '30' }), 1],
];
for (const [what, robotsText, handler, requests] of asksToWait) {
  test(`${what} is waited for`, async () => {
    const { urls } = await manyPictures(20);
    const server = await serve({ '/robots.txt': send(robotsText), '/x': handler, '/y': handler });
    const controller = new AbortController();
    const onProgress = (done: number) => {
      if (done === 20) controller.abort();
    };
    const waiting = ['/x', '/y'].map((path) => server.origin() + path);
    const options = { signal: controller.signal, onProgress, web: { perHost: 1 } };
    const report = await run(temporaryFolder(), { urls: [...waiting, ...urls] }, options);
    assert.deepEqual([report.fetched, report.failed], [20, []]);
    assert.equal(server.requests.length, requests, 'while the other hosts answered twenty times');
  });
}

test('a signal ends the run, and the next one continues', async () => {
  const bytes = await Promise.all(Array.from({ length: 40 }, (_, red) => picture(red)));
  let answers = 15;
  const server = await serve((request, response) => {
    if (request.url === '/robots.txt') return response.writeHead(404).end();
    if (answers-- > 0) response.end(bytes[Number(request.url?.slice(1))]);
    return undefined;
  });
  const urls = bytes.map((_, index) => `${server.origin(`${index % 5}.test`)}/${index}`);
  const rawData = temporaryFolder();
  const controller = new AbortController();
  const onProgress = (done: number) => {
    if (done === 15) controller.abort();
  };
  const report = await run(rawData, { urls }, { signal: controller.signal, onProgress });
  assert.deepEqual([report.stopped, report.fetched, report.failed], [true, 15, []]);
  assert.equal(files(rawData).length, 15, 'nothing but whole pictures');
  answers = 40;
  const second = await run(rawData, { urls });
  assert.deepEqual([second.thereBefore, second.fetched, second.pictures], [15, 25, 40]);
  assert.ok(server.requests.length <= 40 + 8, 'only what was in flight is asked for twice');
});

test('leftovers of a killed run are removed', async () => {
  const rawData = temporaryFolder();
  mkdirSync(join(rawData, 'bat'));
  // No process has this id: it is above the limit of every system.
  writeFileSync(join(rawData, 'bat', '.x.tmp-99999999'), 'half');
  writeFileSync(join(rawData, 'bat', `.x.tmp-${process.pid}`), 'half');
  writeFileSync(join(rawData, 'bat', `.y.tmp-${process.ppid}`), 'a running process’s');
  writeFileSync(join(rawData, 'bat', '.own'), 'own');
  const { urls } = await manyPictures(1);
  await run(rawData, { urls });
  assert.deepEqual(
    files(rawData).filter((name) => name.startsWith('.')),
    ['.own', `.y.tmp-${process.ppid}`],
  );
});

test('lines that are not URLs and unknown hosts are reported', async () => {
  const resolve = () => Promise.reject(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }));
  const urls = ['no url', 'http://nowhere.test/x', 'ftp://a.test/x'];
  const report = await run(temporaryFolder(), { urls }, { web: { resolve, ignoreRobots: true } });
  assert.deepEqual(reasons(report).sort(), [
    '"no url" is not a URL',
    'ftp: is refused; only http: and https: are fetched',
    'there is no such host',
  ]);
});

test('a folder that cannot be written ends the run', async () => {
  const rawData = temporaryFolder();
  writeFileSync(join(rawData, 'bat'), 'a file');
  await assertRefused(run(rawData, { urls: ['http://a.test/x'] }), /bat cannot be written: E/);
});

test('a folder that disappears during the run ends it, and does not count as a failed URL', async () => {
  const { urls } = await manyPictures(40);
  const rawData = temporaryFolder();
  const onProgress = (done: number) => {
    if (done === 5) renameSync(join(rawData, 'bat'), join(rawData, 'elsewhere'));
  };
  await assertRefused(run(rawData, { urls }, { onProgress }), /bat cannot be written: ENOENT/);
});

test('once there are enough pictures, the run ends without waiting', async () => {
  const server = await serve({ '/broken': status(500), '/x': send(good) });
  const urls = [`${server.origin()}/broken`, `${server.origin('x.test')}/x`];
  const report = await run(temporaryFolder(), { urls }, { count: 1, web: { backOff: 1e9 } });
  assert.deepEqual([report.pictures, report.failed], [1, []]);
});

test('a class name that is a path is refused', async () => {
  await assert.rejects(run(temporaryFolder(), { urls: [] }, { className: '../bat' }), UsageError);
});

test('a picture with an EXIF orientation is stored with the size of its file', async () => {
  const turned = await sharp(await picture(3, 'jpeg'))
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const server = await serve({ '/x': send(turned) });
  const rawData = temporaryFolder();
  await run(rawData, { urls: [`${server.origin()}/x`] });
  const [entry] = [...(await readLedger(join(rawData, 'bat'))).values()];
  assert.ok(entry?.state === 'stored');
  assert.deepEqual([entry.width, entry.height, entry.bytes], [24, 16, turned.length]);
});
