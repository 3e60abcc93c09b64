import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { serveOpenverse } from '../collect/openverse_server.ts';
import { noisyPicture, picture, serve } from '../collect/server.ts';
import { cli, cliWith, finish, startCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const own = ['--allow-private', '--delay', '0'];

async function pictureServer(count: number, bytesOf = (index: number) => picture(index)) {
  const bytes = await Promise.all(Array.from({ length: count }, (_, index) => bytesOf(index)));
  const server = await serve((request, response) => {
    const index = /^\/(\d+)$/.exec(request.url ?? '')?.[1];
    if (index === undefined || !bytes[Number(index)]) response.writeHead(404).end();
    else response.end(bytes[Number(index)]);
  });
  return { server, bytes, urls: bytes.map((_, index) => `${server.origin()}/${index}`) };
}

test('a list becomes pictures, and a second run fetches the missing ones', async () => {
  const { server, urls } = await pictureServer(5);
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'urls.txt'), `# bats\n\n${urls.slice(0, 3).join('\n')}\n`);
  const first = await cli(folder, 'collect', 'bat', '--from', 'urls.txt', ...own);
  assert.deepEqual(
    [first.code, first.stdout, first.stderr],
    [0, 'rawdata/bat: 3 pictures (3 downloaded, 0 there before, 0 failed)\n', ''],
  );
  writeFileSync(join(folder, 'urls.txt'), urls.join('\n'));
  const second = await cli(folder, 'collect', 'bat', '--from', 'urls.txt', ...own);
  assert.equal(second.stdout, 'rawdata/bat: 5 pictures (2 downloaded, 3 there before, 0 failed)\n');
  assert.equal(server.requests.length, 5);
});

test('failed URLs are one line each on stderr, with exit code 1', async () => {
  const { server, urls } = await pictureServer(2);
  const folder = temporaryFolder();
  const child = startCli(folder, ['collect', 'bat', '--from', '-', '--json', ...own]);
  child.stdin?.end(`${urls.join('\n')}\n${server.origin()}/missing # gone\nno url`);
  const { code, stdout, stderr } = await finish(child);
  assert.equal(code, 1);
  assert.deepEqual(stderr.trim().split('\n').sort(), [
    'bat-sup: 2 URLs could not be downloaded.',
    `skipped ${server.origin()}/missing: HTTP 404`,
    'skipped no url: "no url" is not a URL',
  ]);
  const report = JSON.parse(stdout);
  assert.deepEqual([report.class, report.pictures, report.fetched, report.failed.length], ['bat', 2, 2, 2]);

  // Known by now to be gone: nothing is left to do.
  writeFileSync(join(folder, 'urls.txt'), `${urls.join('\n')}\n${server.origin()}/missing`);
  const again = await cli(folder, 'collect', 'bat', '--from', 'urls.txt', ...own);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(
    again.stdout,
    'rawdata/bat: 2 pictures (0 downloaded, 2 there before, 0 failed, 1 failed\n  before)\n',
  );
});

test('many failures are grouped by their reason', async () => {
  const { server, urls } = await pictureServer(1);
  const folder = temporaryFolder();
  const dead = Array.from({ length: 30 }, (_, index) => `${server.origin()}/dead-${index}`);
  writeFileSync(join(folder, 'urls.txt'), [...dead, 'ftp://a.test/x', ...urls].join('\n'));
  const { code, stderr } = await cli(folder, 'collect', 'bat', '--from', 'urls.txt', ...own);
  assert.equal(code, 1);
  const lines = stderr.trim().split('\n').sort();
  assert.equal(lines.length, 3);
  assert.match(lines[1] ?? '', /^skipped 30 URLs, the first http:.*\/dead-\d+: HTTP 404$/);
  assert.equal(lines[2], 'skipped ftp://a.test/x: ftp: is refused; only http: and https: are fetched');
});

test('a search, its licences and its credits', async () => {
  const fake = await serveOpenverse(60);
  const endpoint = fake.endpoint.replace('api.test', '127.0.0.1');
  for (const image of fake.images) image.url = image.url.replace(/photos\d\.test/, '127.0.0.1');
  const folder = temporaryFolder();
  const search = ['--query', 'bat', '--licence', 'by,CC0', '--endpoint', endpoint, '--count', '6', ...own];
  const token = { BATSUP_SEARCH_TOKEN: 'secret' };
  const run = await cliWith(token, folder, 'collect', 'bat', ...search, '--per-host', '8');
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stdout, /^rawdata\/bat: 6 pictures \(6 downloaded/);
  assert.deepEqual(fake.tokens, ['Bearer secret']);

  const credits = await cli(folder, 'collect', 'bat', '--credits');
  const lines = credits.stdout.trim().split('\n');
  assert.equal(lines.length, 6);
  for (const line of lines) {
    assert.match(
      line,
      /^openverse-[\w-]+\.png: "Bat \d+" by Photographer \d is licensed under (BY|CC0) 2\.0\.$/,
    );
  }
  const json = await cli(folder, 'collect', 'bat', '--credits', '--json');
  const entries = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(new Set(entries.map(({ licence }) => licence)), new Set(['by 2.0', 'cc0 1.0']));

  const more = await cli(folder, 'collect', 'bat', ...search, '--count', '100');
  assert.equal(more.code, 1);
  assert.match(
    more.stderr,
    /bat-sup: Only 15 of 100 pictures collected, and the search has no more; try another --query\.\n$/,
  );
});

test('private addresses are refused without --allow-private', async () => {
  const { server, urls } = await pictureServer(1);
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'urls.txt'), urls.join('\n'));
  const { code, stderr } = await cli(folder, 'collect', 'bat', '--from', 'urls.txt');
  assert.equal(code, 1);
  assert.match(stderr, /127\.0\.0\.1 is not a public address; --allow-private allows it/);
  assert.equal(server.maxOpen.size, 0);
});

test('resize takes collected pictures and ignores the ledger', async () => {
  const { urls } = await pictureServer(3);
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'urls.txt'), urls.join('\n'));
  await cli(folder, 'collect', 'bat', '--from', 'urls.txt', ...own);
  mkdirSync(join(folder, 'rawdata', 'sup'));
  writeFileSync(join(folder, 'rawdata', 'sup', 'a.png'), await picture(200));
  const { code, stdout, stderr } = await cli(folder, 'resize');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /4 pictures resized .* 0 unreadable/);
});

/** Every file is a whole picture, those that the ledger names and those that it does not. */
async function checkPictures(folder: string): Promise<string[]> {
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  for (const name of names) await sharp(join(folder, name), { failOn: 'error' }).raw().toBuffer();
  return names;
}

test('SIGKILL at any moment loses only the downloads in progress', async () => {
  const { server, urls, bytes } = await pictureServer(60, (index) => noisyPicture(80 + index));
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'urls.txt'), urls.join('\n'));
  const args = ['collect', 'bat', '--from', 'urls.txt', ...own];
  const kills = 4;
  for (let kill = 0; kill < kills; kill++) {
    // A moment that differs each time: after some request of this run.
    const until = server.requests.length + 1 + Math.floor(Math.random() * 12);
    const child = startCli(folder, args);
    const ended = finish(child);
    const watch = setInterval(() => {
      if (server.requests.length >= until) child.kill('SIGKILL');
    }, 1);
    await ended;
    clearInterval(watch);
    await checkPictures(join(folder, 'rawdata', 'bat'));
  }
  const last = await cli(folder, ...args);
  assert.equal(last.code, 0, last.stderr);
  assert.match(last.stdout, /^rawdata\/bat: 60 pictures/);
  const names = await checkPictures(join(folder, 'rawdata', 'bat'));
  const stored = names.map((name) => readFileSync(join(folder, 'rawdata', 'bat', name)).toString('base64'));
  assert.deepEqual(stored.sort(), bytes.map((one) => one.toString('base64')).sort());
  const rests = readdirSync(join(folder, 'rawdata', 'bat')).filter((name) => name.includes('.tmp-'));
  assert.deepEqual(rests, []);
  const credits = await cli(folder, 'collect', 'bat', '--credits');
  assert.equal(credits.stdout.trim().split('\n').length, 60);
});

test('SIGINT ends cleanly, and the same command continues', async () => {
  const bytes = await Promise.all([0, 1, 2, 3, 4, 5].map((red) => picture(red)));
  let answers = 3;
  let hanging = () => {};
  const hangs = new Promise<void>((resolve) => {
    hanging = resolve;
  });
  const server = await serve((request, response) => {
    if (request.url === '/robots.txt') response.writeHead(404).end();
    else if (answers-- > 0) response.end(bytes[Number(request.url?.slice(1))]);
    else hanging();
  });
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'urls.txt'), bytes.map((_, index) => `${server.origin()}/${index}`).join('\n'));
  const args = ['collect', 'bat', '--from', 'urls.txt', ...own, '--per-host', '1'];
  const child = startCli(folder, args);
  const ended = finish(child);
  await hangs;
  child.kill('SIGINT');
  const { code, stdout, stderr } = await ended;
  assert.equal(code, 1);
  assert.match(stdout, /^rawdata\/bat: 3 pictures \(3 downloaded, 0 there before, 0 failed\)\n$/);
  assert.equal(stderr, 'bat-sup: Stopped with 3 pictures collected; run the same command to continue.\n');
  assert.equal(readdirSync(join(folder, 'rawdata', 'bat')).length, 4);
  answers = 6;
  const next = await cli(folder, ...args);
  assert.equal(next.stdout, 'rawdata/bat: 6 pictures (3 downloaded, 3 there before, 0 failed)\n');
});

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('https: a trusted certificate is accepted, another one is refused', {
  skip: !hasOpenssl(),
}, async () => {
  const folder = temporaryFolder();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject];
  execFileSync('openssl', [...request, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const bytes = await picture(1);
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (incoming, response) => {
    if (incoming.url === '/bat') response.end(bytes);
    else response.writeHead(404).end();
  });
  after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://localhost:${(server.address() as AddressInfo).port}/bat`;
  writeFileSync(join(folder, 'urls.txt'), url);
  const args = ['collect', 'bat', '--from', 'urls.txt', ...own];
  const refused = await cli(folder, ...args);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /robots\.txt cannot be read: self-signed certificate/);
  const trusted = await cliWith({ NODE_EXTRA_CA_CERTS: cert }, folder, ...args);
  assert.equal(trusted.code, 0, trusted.stderr);
  server.closeAllConnections();
});

const wrong: [what: string, args: string[], code: 1 | 2, says: RegExp][] = [
  ['no class', [], 2, /missing required argument 'class'/],
  ['nothing to collect', ['bat'], 2, /Give either --from <file> with URLs, or --query <words>/],
  ['both', ['bat', '--from', 'x', '--query', 'y'], 2, /Give either --from/],
  [
    'a path as the class',
    ['../bat', '--from', 'x'],
    2,
    /the class must be the name of a folder .*; received "\.\.\/bat"/,
  ],
  ['a hidden class', ['.bat', '--credits'], 2, /the class must be .*; received "\.bat"/],
  [
    'a licence without a search',
    ['bat', '--from', 'x', '--licence', 'by'],
    2,
    /are for searches only; add --query/,
  ],
  ['an empty query', ['bat', '--query', ' '], 2, /--query is empty/],
  [
    'no endpoint',
    ['bat', '--query', 'x', '--endpoint', 'file:///x'],
    2,
    /--endpoint must be an http or https URL; received "file:\/\/\/x"/,
  ],
  [
    'no count',
    ['bat', '--query', 'x', '--count', '0'],
    2,
    /--count must be a whole number of at least 1; received "0"/,
  ],
  [
    'a wrong limit',
    ['bat', '--from', 'x', '--max-bytes', 'all'],
    2,
    /--max-bytes must be a whole number.*; received "all"/,
  ],
  [
    'a missing list',
    ['bat', '--from', 'nowhere.txt'],
    1,
    /nowhere\.txt cannot be read \(ENOENT.*\); give a file of URLs/,
  ],
  ['an empty list', ['bat', '--from', '-'], 1, /standard input holds no URLs/],
  ['credits of nothing', ['bat', '--credits'], 1, /rawdata\/bat holds no collected pictures/],
];
for (const [what, args, code, says] of wrong) {
  test(`${what}: one line, exit code ${code}`, async () => {
    const folder = temporaryFolder();
    const run = await cli(folder, 'collect', ...args);
    assert.equal(run.code, code, run.stderr);
    assert.match(run.stderr, says);
    assert.equal(run.stderr.trim().split('\n').length, 1);
    assert.deepEqual([run.stdout, readdirSync(folder)], ['', []]);
  });
}
