import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type BrowserContext, chromium as browser, type Page } from 'playwright-core';
import { checkAll } from '../../src/check/check.ts';
import { htmlReport } from '../../src/check/html.ts';
import { chromium, withoutChromium } from '../helpers/chromium.ts';
import { writeFlawedData } from '../helpers/flawed.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const folder = temporaryFolder();
const report = join(folder, 'report.html');
const skip = withoutChromium();
let context: BrowserContext;

before(async () => {
  if (skip) return;
  await writeFlawedData(folder);
  const options = { rawData: join(folder, 'rawdata'), width: 100, height: 100, workers: 2 };
  writeFileSync(report, await htmlReport(await checkAll(options)));
  context = await browser.launchPersistentContext(profile, {
    executablePath: chromium,
    bypassCSP: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
});
after(() => context?.close());
// Removed once the browser is closed.
const profile = temporaryFolder();

/** The report in a window of its own; `requests` are the addresses that it asked for, `problems` its complaints. */
async function openReport(settings: { width: number; dark: boolean }) {
  const page = await context.newPage();
  const requests: string[] = [];
  const problems: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('dialog', (dialog) => {
    problems.push(dialog.message());
    dialog.dismiss();
  });
  await page.setViewportSize({ width: settings.width, height: 800 });
  await page.emulateMedia({ colorScheme: settings.dark ? 'dark' : 'light' });
  await page.goto(pathToFileURL(report).href);
  return { page, requests, problems };
}

async function violations(page: Page): Promise<unknown[]> {
  await page.evaluate(axe);
  const result = await page.evaluate('axe.run()');
  const { violations, passes } = result as {
    violations: { id: string; nodes: unknown[] }[];
    passes: unknown[];
  };
  assert.ok(passes.length > 10);
  return violations.map(({ id, nodes }) => [id, nodes]);
}

for (const width of [360, 1200]) {
  for (const dark of [false, true]) {
    test(`${width} pixels wide, ${dark ? 'dark' : 'light'}: nothing sticks out and all can be read`, {
      skip,
    }, async () => {
      const { page, requests, problems } = await openReport({ width, dark });
      assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width);
      assert.deepEqual(await violations(page), []);
      const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      assert.equal(ground, dark ? 'rgb(22, 24, 26)' : 'rgb(255, 255, 255)');
      assert.deepEqual(
        requests.filter((address) => !address.startsWith('data:')),
        [pathToFileURL(report).href],
      );
      assert.deepEqual(problems, []);
      await page.close();
    });
  }
}

test('every thumbnail is shown, and a hostile name is text', { skip }, async () => {
  const { page } = await openReport({ width: 800, dark: false });
  for (const image of await page.locator('img').all()) await image.scrollIntoViewIfNeeded();
  const widths = await page.evaluate<number[]>('Array.from(document.images, (image) => image.naturalWidth)');
  // Of the 18 files in the findings, three cannot be read.
  assert.deepEqual(widths, Array(15).fill(96));
  assert.equal(await page.getByText('"animal/-evil\\n<img src=x onerror=alert(1)>\\u202e.png"').count(), 1);
  assert.equal(await page.getByRole('heading', { level: 2 }).count(), 9);
  await page.getByRole('navigation').getByRole('link', { name: 'Duplicates' }).click();
  assert.match(page.url(), /#duplicate$/);
  await page.close();
});

test('the page is one file that may load and run nothing', { skip }, () => {
  const html = readFileSync(report, 'utf8');
  assert.match(html, /Content-Security-Policy" content="default-src 'none'; img-src data:; style-src/);
  assert.doesNotMatch(html, /<script|https?:/);
});
