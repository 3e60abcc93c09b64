/** The page of bat-sup serve in a real browser, on a phone. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Browser, chromium as browser, devices, type Page } from 'playwright-core';
import { startEngine } from '../../src/engine/index.ts';
import { chromium, withoutChromium } from '../helpers/chromium.ts';
import { cli } from '../helpers/cli.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { saveNetwork, startServer, type TestServer } from '../helpers/server.ts';

const skip = withoutChromium();
const folder = temporaryFolder();
const token = 'c2VjcmV0';
const picture = join(folder, 'bat.jpg');
let server: TestServer;
let guarded: TestServer;
let opened: Browser;

before(async () => {
  if (skip) return;
  const engine = await startEngine('cpu', { threads: 1 });
  await saveNetwork(folder, 1, 0.5);
  await engine.dispose();
  await emoji('bat', 300).jpeg().toFile(picture);
  server = await startServer(folder);
  guarded = await startServer(folder, [], { BATSUP_SERVE_TOKEN: token });
  opened = await browser.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu'] });
});

after(async () => {
  if (skip) return;
  await opened.close();
  for (const { process, ended } of [server, guarded]) {
    process.kill();
    await ended;
  }
});

/** The page on a phone, and what it complained of; its own policy holds. */
async function openPage(url: string): Promise<{ page: Page; problems: string[] }> {
  const context = await opened.newContext({ ...devices['Pixel 7'] });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(url);
  return { page, problems };
}

/** Chooses a file, once the page has met the server and listens. */
async function choose(page: Page, file: Parameters<Page['setInputFiles']>[1]): Promise<void> {
  await page.locator('#ways').waitFor();
  await page.setInputFiles('#file', file);
}

/** Bars as the page lists them, the likeliest first. */
async function barsOf(page: Page): Promise<string[]> {
  await page.locator('#classes li').first().waitFor();
  const texts = await page.locator('#classes li').allInnerTexts();
  return texts.map((text) => text.replace(/\s+/g, ' ').trim());
}

async function expectedBars(): Promise<string[]> {
  const { stdout } = await cli(folder, 'predict', 'bat.jpg', '--top-k', '2', '--json');
  const { top } = JSON.parse(stdout) as { top: { class: string; probability: number }[] };
  return top.map((one) => `${one.class} ${(100 * one.probability).toFixed(1)} %`);
}

test('a picture is chosen, and its classes are shown as predict tells them', { skip }, async () => {
  const { page, problems } = await openPage(server.url);
  await choose(page, picture);
  assert.deepEqual(await barsOf(page), await expectedBars());
  const width = await page.evaluate<number>('document.documentElement.scrollWidth');
  assert.ok(width <= (page.viewportSize()?.width ?? 0), `${width} pixels wide`);
  assert.deepEqual(problems, []);
});

test('the heat map lies over the picture', { skip }, async () => {
  const { page, problems } = await openPage(server.url);
  await choose(page, picture);
  await barsOf(page);
  await page.check('#show-heat-map');
  const heatMap = page.locator('#heat-map');
  await heatMap.waitFor();
  await page.waitForFunction('document.getElementById("heat-map").naturalWidth > 0');
  const [over, under] = await Promise.all([heatMap.boundingBox(), page.locator('#picture').boundingBox()]);
  assert.deepEqual(over, under);
  assert.deepEqual(problems, []);
});

test('what is no picture is told in a sentence', { skip }, async () => {
  const { page } = await openPage(server.url);
  const file = { name: 'a.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('text') };
  await choose(page, file);
  await page.locator('#problem', { hasText: 'not a picture but text' }).waitFor();
});

test('a token is asked for until it is right, and remembered by the tab', { skip }, async () => {
  const { page } = await openPage(guarded.url);
  for (const given of ['wrong', token]) {
    await page.fill('dialog input', given);
    await page.click('dialog button');
  }
  await choose(page, picture);
  assert.deepEqual(await barsOf(page), await expectedBars());
  await page.reload();
  await choose(page, picture);
  assert.equal((await barsOf(page)).length, 2);
  assert.equal(await page.locator('dialog').count(), 0);
});

test('without a token it says what is missing', { skip }, async () => {
  const { page } = await openPage(guarded.url);
  await page.locator('dialog input').press('Escape');
  await page.locator('#problem', { hasText: 'Send the token' }).waitFor();
});

test('axe finds nothing to complain of, by day and by night', { skip }, async () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await openPage(server.url);
    await page.emulateMedia({ colorScheme });
    await choose(page, picture);
    await barsOf(page);
    await page.evaluate(axe);
    const { violations } = await page.evaluate<{ violations: { id: string }[] }>('axe.run()');
    assert.deepEqual(
      violations.map(({ id }) => id),
      [],
    );
  }
});
