import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { BrowserContext } from 'playwright-core';
import { checkAll } from '../../src/check/check.ts';
import { htmlReport } from '../../src/check/html.ts';
import { withoutChromium } from '../helpers/chromium.ts';
import { writeFlawedData } from '../helpers/flawed.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { launchBrowser, openReport, testReadable } from '../helpers/report_page.ts';

const folder = temporaryFolder();
const report = join(folder, 'report.html');
const skip = withoutChromium();
let context: BrowserContext;

before(async () => {
  if (skip) return;
  await writeFlawedData(folder);
  const options = { rawData: join(folder, 'rawdata'), width: 100, height: 100, workers: 2 };
  writeFileSync(report, await htmlReport(await checkAll(options)));
  context = await launchBrowser(profile);
});
after(() => context?.close());
// Removed once the browser is closed.
const profile = temporaryFolder();

const open = (window: { width: number; dark: boolean }) => openReport(context, report, window);

testReadable(report, open, 10);

test('every thumbnail is shown, and a hostile name is text', { skip }, async () => {
  const { page } = await open({ width: 800, dark: false });
  for (const image of await page.locator('img').all()) await image.scrollIntoViewIfNeeded();
  const widths = await page.evaluate<number[]>('Array.from(document.images, (image) => image.naturalWidth)');
  // Four of the 20 files in the findings cannot be read.
  assert.deepEqual(widths, Array(16).fill(96));
  assert.equal(await page.getByText('"animal/-evil\\n<img src=x onerror=alert(1)>\\u202e.png"').count(), 1);
  assert.equal(await page.getByRole('heading', { level: 2 }).count(), 12);
  await page.getByRole('navigation').getByRole('link', { name: 'Duplicates' }).click();
  assert.match(page.url(), /#duplicate$/);
  await page.close();
});

test('the page is self-contained and may run nothing', { skip }, () => {
  const html = readFileSync(report, 'utf8');
  assert.match(html, /Content-Security-Policy" content="default-src 'none'; img-src data:; style-src/);
  assert.doesNotMatch(html, /<script|https?:/);
});
