import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Candidate } from '../../src/collect/candidate.ts';
import type { CollectOptions, CollectReport } from '../../src/collect/collect.ts';
import { creditLine, readCredits } from '../../src/collect/credits.ts';
import { type Search, searchOpenverse } from '../../src/collect/openverse.ts';
import { Web, webDefaults } from '../../src/collect/web.ts';
import { UserError } from '../../src/errors.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { type FakeOpenverse, serveOpenverse } from './openverse_server.ts';
import { run, serve, testWeb } from './server.ts';

function searchOf(fake: { endpoint: string }, search: Partial<Search> = {}): Search {
  return { query: 'bat', licences: [], endpoint: fake.endpoint, delay: 0, ...search };
}

async function candidates(fake: { endpoint: string }, search: Partial<Search> = {}): Promise<Candidate[]> {
  const web = new Web({ ...webDefaults, ...testWeb }, new AbortController().signal);
  const found: Candidate[] = [];
  try {
    for await (const candidate of searchOpenverse(web, searchOf(fake, search))) found.push(candidate);
  } finally {
    web.close();
  }
  return found;
}

function collectFrom(
  fake: FakeOpenverse,
  rawData: string,
  search: Partial<Search>,
  options: Partial<CollectOptions>,
): Promise<CollectReport> {
  return run(rawData, { search: searchOf(fake, search) }, options);
}

for (const [there, pages] of [
  [0, 1],
  [1, 1],
  [20, 1],
  [21, 2],
  [60, 3],
] as const) {
  test(`${there} results are ${pages} pages`, async () => {
    const fake = await serveOpenverse(there);
    const found = await candidates(fake);
    assert.deepEqual(
      found.map(({ url }) => url),
      fake.images.map(({ url }) => url),
    );
    assert.deepEqual(
      fake.searches.map((parameters) => parameters.get('page')),
      Array.from({ length: pages }, (_, index) => String(index + 1)),
    );
  });
}

test('an anonymous search requests no more than its limit, one with a token everything', async () => {
  const fake = await serveOpenverse(260);
  assert.equal((await candidates(fake)).length, 240);
  assert.deepEqual([...new Set(fake.tokens)], [undefined]);
  assert.equal((await candidates(fake, { token: 'secret' })).length, 260);
  assert.equal(fake.tokens.at(-1), 'Bearer secret');
});

test('the search sends the licences and words, and keeps the endpoint’s parameters', async () => {
  const fake = await serveOpenverse(80);
  const endpoint = `${fake.endpoint}?mature=false`;
  const found = await candidates({ endpoint }, { query: 'bat & cave?', licences: ['by', 'cc0'] });
  assert.equal(found.length, 20);
  assert.deepEqual(new Set(found.map(({ credit }) => credit.licence)), new Set(['by 2.0', 'cc0 1.0']));
  assert.deepEqual(Object.fromEntries(fake.searches[0] ?? []), {
    mature: 'false',
    q: 'bat & cave?',
    license: 'by,cc0',
    page: '1',
    page_size: '20',
  });
});

test('a picture with a licence that was not requested is left out, whatever the server returns', async () => {
  const fake = await serveOpenverse(16);
  fake.intercept = (response) => {
    response.end(JSON.stringify({ page_count: 1, results: fake.images }));
    return true;
  };
  const found = await candidates(fake, { licences: ['cc0'] });
  assert.deepEqual(
    found.map(({ credit }) => credit.licence),
    ['cc0 1.0', 'cc0 1.0'],
  );
});

test('missing, null or unexpected values in a result do no harm', async () => {
  const fake = await serveOpenverse(1);
  const [image] = fake.images;
  const url = (path: string) => `http://photos.test/${path}`;
  const results = [
    null,
    7,
    {},
    { id: 1, url: 'no url' },
    { ...image, id: '../../x', url: url('1#part'), title: null, creator: null, license_version: null },
    { id: 'x', url: url('1') },
    { id: 'x', url: url('3') },
    { id: 'x', url: url('4') },
    { id: 'y', url: url('2'), title: 'a\u001b[31m\nb', license: ['by'] },
  ];
  fake.intercept = (response) => {
    response.end(JSON.stringify({ results: fake.searches.length === 1 ? results : [] }));
    return true;
  };
  const found = await candidates(fake);
  assert.deepEqual(
    found.map((one) => one.url),
    [url('1'), url('3'), url('2')],
  );
  assert.match(found[0]?.name ?? '', /^[0-9a-f]{16}$/);
  assert.deepEqual([found[0]?.credit.title, found[0]?.credit.licence], [undefined, 'by']);
  assert.deepEqual([found[2]?.name, found[2]?.credit], ['openverse-y', { title: 'a [31m b' }]);
});

const failures: [what: string, status: number, body: string, says: RegExp][] = [
  [
    'refused',
    403,
    '{"detail":"You are banned."}',
    /^the search at api\.test:\d+ failed: HTTP 403 \(You are banned\.\)$/,
  ],
  ['broken', 500, 'oops', /failed: HTTP 500 \(tried 4 times\)$/],
  ['no JSON', 200, '<html>', /failed: its answer is not JSON$/],
  ['other JSON', 200, '{"items":[]}', /failed: its answer has no "results"/],
  ['null', 200, 'null', /failed: its answer has no "results"/],
];
for (const [what, status, body, says] of failures) {
  test(`a search that is ${what} is an error in one line`, async () => {
    const fake = await serveOpenverse(1);
    fake.intercept = (response) => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
      return true;
    };
    await assert.rejects(candidates(fake), (error) => error instanceof UserError && says.test(error.message));
  });
}

test('an unknown licence is reported in the server’s words', async () => {
  const fake = await serveOpenverse(1);
  await assert.rejects(
    candidates(fake, { licences: ['bye'] }),
    /HTTP 400 \(License 'bye' does not exist\.\)/,
  );
});

test('a throttled search is retried', async () => {
  const fake = await serveOpenverse(1);
  fake.intercept = (response) => {
    if (fake.searches.length > 2) return false;
    response.writeHead(429, { 'Retry-After': '0' }).end('{"detail":"Request was throttled."}');
    return true;
  };
  assert.equal((await candidates(fake)).length, 1);
  assert.equal(fake.searches.length, 3);
});

test('the token is sent with the search only, not to redirects or with the pictures', async () => {
  const fake = await serveOpenverse(3);
  const elsewhere = await serve((request, response) => {
    const location = `${fake.endpoint}${new URL(request.url ?? '', fake.endpoint).search}`;
    response.writeHead(request.url === '/robots.txt' ? 404 : 302, { location }).end();
  });
  const endpoint = `${elsewhere.origin('front.test')}/v1/images/`;
  const rawData = temporaryFolder();
  const report = await collectFrom(fake, rawData, { endpoint, token: 'secret' }, { count: 3 });
  assert.equal(report.fetched, 3);
  const sent = [...elsewhere.headers].find(([path]) => path.startsWith('/v1/images/'))?.[1];
  assert.equal(sent?.authorization, 'Bearer secret');
  assert.deepEqual(fake.tokens, [undefined]);
  for (const [, { authorization }] of fake.headers) assert.equal(authorization, undefined);
});

test('pictures are named after their identifiers, and their credits are kept', async () => {
  const fake = await serveOpenverse(30);
  const rawData = temporaryFolder();
  const report = await collectFrom(fake, rawData, { licences: ['by', 'cc0'] }, { count: 5 });
  assert.deepEqual([report.pictures, report.fetched, report.failed], [5, 5, []]);
  const folder = join(rawData, 'bat');
  const credits = await readCredits(folder);
  assert.equal(credits.length, 5);
  for (const entry of credits) {
    const image = fake.images.find(({ url }) => url === entry.url);
    assert.equal(entry.file, `openverse-${image?.id}.png`);
    assert.equal(entry.landingPage, image?.foreign_landing_url);
    assert.equal(entry.title, image?.title);
    assert.equal(entry.creator, image?.creator);
    assert.equal(entry.creatorUrl, image?.creator_url);
    assert.equal(entry.licenceUrl, image?.license_url);
    assert.equal(creditLine(entry), image?.attribution);
    assert.match(entry.sha256, /^[0-9a-f]{64}$/);
    assert.ok(!Number.isNaN(Date.parse(entry.time)));
    assert.ok(readdirSync(folder).includes(entry.file));
  }
});

test('few pages are requested if few pictures are wanted', async () => {
  const fake = await serveOpenverse(200);
  await collectFrom(fake, temporaryFolder(), {}, { count: 4 });
  assert.equal(fake.searches.length, 1);
});

test('the count is reached in spite of failures and duplicates', async () => {
  const fake = await serveOpenverse(40);
  fake.images.forEach((image, index) => {
    if (index % 3 === 0) image.url = image.url.replace('/picture/', '/gone/');
    if (index % 3 === 1 && index > 1) image.url = `${fake.images[1]?.url}?${index}`;
  });
  const report = await collectFrom(fake, temporaryFolder(), {}, { count: 12 });
  assert.equal(report.pictures, 12);
  assert.ok(report.failed.length > 0 && report.duplicates > 0);
});

test('a search with too few results says how many there are', async () => {
  const fake = await serveOpenverse(7);
  const report = await collectFrom(fake, temporaryFolder(), {}, { count: 10 });
  assert.deepEqual([report.pictures, report.failed, report.searchError], [7, [], undefined]);
});

test('a search that fails on its second page keeps the pictures of the first', async () => {
  const fake = await serveOpenverse(40);
  fake.intercept = (response) => {
    if (fake.searches.length === 1) return false;
    response.writeHead(403).end();
    return true;
  };
  const report = await collectFrom(fake, temporaryFolder(), {}, { count: 40 });
  assert.equal(report.pictures, 20);
  assert.match(report.searchError ?? '', /failed: HTTP 403/);
});

test('a signal ends a run that waits for the next page, or for the search', async () => {
  for (const waiting of [{ delay: 1e9 }, { delay: 0 }]) {
    const fake = await serveOpenverse(60);
    fake.intercept = () => fake.searches.length > 1;
    const controller = new AbortController();
    const onProgress = (done: number) => {
      if (done === 20) controller.abort();
    };
    const options = { count: 60, signal: controller.signal, onProgress };
    const report = await collectFrom(fake, temporaryFolder(), waiting, options);
    assert.deepEqual([report.stopped, report.pictures, report.searchError], [true, 20, undefined]);
  }
});

test('deleted pictures stay deleted, and others replace them', async () => {
  const fake = await serveOpenverse(30);
  const rawData = temporaryFolder();
  await collectFrom(fake, rawData, {}, { count: 10 });
  const folder = join(rawData, 'bat');
  const [first] = await readCredits(folder);
  rmSync(join(folder, first?.file as string));
  const report = await collectFrom(fake, rawData, {}, { count: 10 });
  assert.deepEqual([report.pictures, report.fetched, report.removed], [10, 1, 1]);
  assert.ok(!readdirSync(folder).includes(first?.file as string));
  const again = await collectFrom(fake, rawData, {}, { count: 30, again: true });
  assert.equal(again.pictures, 30);
  assert.ok(readdirSync(folder).includes(first?.file as string));
});

const lines: [fields: object, line: string][] = [
  [{ attribution: 'As said.', title: 'T' }, 'As said.'],
  [{ title: 'T', creator: 'C', licence: 'by 2.0', landingPage: 'http://p' }, '"T" by C (by 2.0) http://p'],
  [{ creator: 'C' }, 'by C http://u'],
  [{}, 'http://u'],
];
for (const [fields, line] of lines) {
  test(`credit: ${line}`, () => {
    const facts = { sha256: '', bytes: 1, width: 1, height: 1, time: '' };
    assert.equal(creditLine({ state: 'stored', url: 'http://u', file: 'f', ...facts, ...fields }), line);
  });
}
