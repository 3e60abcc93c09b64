import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Hosts } from '../../src/collect/hosts.ts';
import { parseRobots } from '../../src/collect/robots.ts';

/** Runs everything that does not wait for a timer. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A mocked clock, and visits that record when they start. */
function standing(t: TestContext, delay: number) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  const limits = { concurrency: 100, perHost: 100, delay, longestWait: 60_000 };
  const hosts = new Hosts(limits, new AbortController().signal);
  const starts: number[] = [];
  const visit = (name = 'a.test') =>
    hosts.visit(name, async () => {
      starts.push(Date.now() - 1_000_000);
    });
  const pass = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 10) {
      await settle();
      t.mock.timers.tick(10);
    }
    await settle();
  };
  return { hosts, starts, visit, pass };
}

test('requests to one host are spaced out, those to different hosts are not', async (t) => {
  const { starts, visit, pass } = standing(t, 250);
  const visits = [visit(), visit(), visit(), visit('b.test')];
  await pass(1000);
  await Promise.all(visits);
  assert.deepEqual(starts, [0, 0, 250, 500]);
});

test('a longer Crawl-delay of the host is respected', async (t) => {
  const { hosts, starts, visit, pass } = standing(t, 100);
  await visit();
  hosts.slowDown('a.test', 400);
  hosts.slowDown('a.test', 50);
  const visits = [visit(), visit()];
  await pass(1000);
  await Promise.all(visits);
  assert.deepEqual(starts, [0, 400, 800]);
});

test('a pause also delays requests that are already waiting', async (t) => {
  const { hosts, starts, visit, pass } = standing(t, 100);
  const visits = [visit(), visit(), visit()];
  await settle();
  hosts.pause('a.test', 1000);
  await pass(2000);
  await Promise.all(visits);
  assert.equal(starts[0], 0);
  assert.equal(starts.length, 3);
  for (const start of starts.slice(1)) assert.ok(start >= 1000, String(start));
});

test('a pause that is too long is an error at once', async (t) => {
  const { hosts, starts, visit } = standing(t, 0);
  hosts.pause('a.test', 90_000);
  await assert.rejects(visit(), { message: 'a.test asks for a pause of 90 s' });
  hosts.pause('a.test', 20 * 3_600_000);
  await assert.rejects(visit(), { message: 'a.test asks for a pause of 20 h' });
  await visit('b.test');
  assert.deepEqual(starts, [0]);
});

const file = 'http://a.test/robots.txt';
const rules: [text: string, path: string, isAllowed: boolean, crawlDelay: number][] = [
  ['', '/bat.png', true, 0],
  ['User-agent: *\nCrawl-delay: 2.5', '/bat.png', true, 2500],
  ['User-agent: *\nCrawl-delay: soon', '/bat.png', true, 0],
  ['User-agent: *\nCrawl-delay: 9\n\nUser-agent: BAT-SUP\nCrawl-delay: 1', '/', true, 1000],
  ['User-agent: *\nDisallow: /a\nAllow: /a/b', '/a/b/c', true, 0],
  ['User-agent: *\nDisallow: /a\nAllow: /a/b', '/a/c', false, 0],
];
for (const [text, path, isAllowed, crawlDelay] of rules) {
  test(`robots.txt ${JSON.stringify(text)}: ${path}`, () => {
    const parsed = parseRobots(file, text);
    assert.deepEqual([parsed.isAllowed(`http://a.test${path}`), parsed.crawlDelay], [isAllowed, crawlDelay]);
  });
}
