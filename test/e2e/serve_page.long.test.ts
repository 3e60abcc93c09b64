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
import { hangs } from '../helpers/hangs.ts';
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
  opened = await browser.launch({
    executablePath: chromium,
    args: ['--no-sandbox', '--disable-gpu'],
    timeout: hangs,
  });
});

after(async () => {
  if (skip) return;
  await opened.close();
  for (const { process, ended } of [server, guarded]) {
    process.kill();
    await ended;
  }
});

/** Opens the page on a phone; its Content-Security-Policy applies. @returns also its console messages and errors. */
async function openPage(url: string): Promise<{ page: Page; problems: string[] }> {
  const context = await opened.newContext({ ...devices['Pixel 7'] });
  context.setDefaultTimeout(hangs);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(url);
  return { page, problems };
}

/** Chooses a file, once the page is ready. */
async function choose(page: Page, file: Parameters<Page['setInputFiles']>[1]): Promise<void> {
  await page.locator('#ways').waitFor();
  await page.setInputFiles('#file', file);
}

/** Bars as the page lists them, most likely first. */
async function barsOf(page: Page): Promise<string[]> {
  await page.locator('.classes li').first().waitFor();
  const texts = await page.locator('.classes li').allInnerTexts();
  return texts.map((text) => text.replace(/\s+/g, ' ').trim());
}

async function expectedBars(): Promise<string[]> {
  const { stdout } = await cli(folder, 'predict', 'bat.jpg', '--top-k', '2', '--json');
  const { top } = JSON.parse(stdout) as { top: { class: string; probability: number }[] };
  return top.map((one) => `${one.class} ${(100 * one.probability).toFixed(1)} %`);
}

test('a chosen picture gets the same classes as predict gives it', { skip }, async () => {
  const { page, problems } = await openPage(server.url);
  await choose(page, picture);
  assert.deepEqual(await barsOf(page), await expectedBars());
  const width = await page.evaluate<number>('document.documentElement.scrollWidth');
  assert.ok(width <= (page.viewportSize()?.width ?? 0), `${width} pixels wide`);
  assert.deepEqual(problems, []);
});

test('the heat map covers the picture', { skip }, async () => {
  const { page, problems } = await openPage(server.url);
  await choose(page, picture);
  await barsOf(page);
  await page.check('#show-heat-map');
  const heatMap = page.locator('.heat-map');
  await heatMap.waitFor();
  await page.waitForFunction('document.querySelector(".heat-map").naturalWidth > 0');
  const [over, under] = await Promise.all([heatMap.boundingBox(), page.locator('.picture').boundingBox()]);
  assert.deepEqual(over, under);
  assert.deepEqual(problems, []);
});

interface Shown {
  name: string;
  /** Its likeliest class, or what is wrong. */
  says: string;
  /** Texts of the pictures and heat maps that are seen. */
  pictures: string[];
  broken: number;
}

/** What is shown of each file, from top to bottom. */
function shownOf(page: Page): Promise<Shown[]> {
  return page.evaluate(`[...document.querySelectorAll('#results article')].map((card) => {
    const [name, problem, label] = ['.name', '.problem', '.label'].map((one) => card.querySelector(one)?.textContent);
    const pictures = [...card.querySelectorAll('img')].filter((image) => image.checkVisibility());
    return {
      name,
      says: problem || label,
      pictures: pictures.map(({ alt }) => alt),
      broken: pictures.filter((image) => image.naturalWidth === 0).length,
    };
  })`);
}

test('a file that is not a picture gets a sentence, not a broken image', { skip }, async () => {
  const { page } = await openPage(server.url);
  const file = { name: 'a.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('text') };
  await choose(page, file);
  await page.locator('.problem', { hasText: 'text, not a picture' }).waitFor();
  assert.deepEqual(await shownOf(page), [
    { name: 'a.jpg', says: 'text, not a picture', broken: 0, pictures: [] },
  ]);
  assert.equal(await page.locator('.unseen').isVisible(), false);
});

test('a heat map chosen before the answer has come is drawn', { skip }, async () => {
  const { page } = await openPage(server.url);
  await page.locator('#ways').waitFor();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route('**/predict?heatmap=false', async (route) => {
    await held;
    await route.continue();
  });
  await choose(page, picture);
  await page.check('#show-heat-map');
  release();
  await page.locator('.heat-map').waitFor();
});

test('every file gets its own answer, also one that is not a picture or that no browser can show', {
  skip,
}, async () => {
  const { page, problems } = await openPage(server.url);
  const bytes = readFileSync(picture);
  const [expected] = await expectedBars();
  await choose(page, [
    { name: 'one.jpg', mimeType: 'image/jpeg', buffer: bytes },
    { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('text') },
    { name: 'cut.jpg', mimeType: 'image/jpeg', buffer: bytes.subarray(0, 300) },
    { name: 'scan.tif', mimeType: 'image/tiff', buffer: await emoji('bat', 300).tiff().toBuffer() },
    { name: 'empty.png', mimeType: 'image/png', buffer: Buffer.alloc(0) },
    { name: 'two.png', mimeType: '', buffer: await emoji('bat', 300).png().toBuffer() },
  ]);
  await page.locator('#status', { hasText: '3 of 6 pictures classified' }).waitFor();
  const shown = await shownOf(page);
  const best = expected?.split(' ')[0] as string;
  assert.deepEqual(
    shown.map(({ name, pictures, broken }) => [name, pictures, broken]),
    [
      ['one.jpg', ['Your picture one.jpg'], 0],
      ['notes.txt', [], 0],
      ['cut.jpg', [], 0],
      ['scan.tif', [], 0],
      ['empty.png', [], 0],
      ['two.png', ['Your picture two.png'], 0],
    ],
  );
  for (const [index, says] of [
    best,
    /^text, not a picture$/,
    /damaged JPEG/,
    best,
    /^the file is empty$/,
    best,
  ].entries())
    assert.match(shown[index]?.says ?? '', new RegExp(says));
  assert.deepEqual(await page.locator('.unseen:visible').allTextContents(), [
    'This browser cannot show the picture.',
  ]);

  await page.check('#show-heat-map');
  await page.locator('#status', { hasText: '3 of 6 pictures classified' }).waitFor();
  assert.deepEqual(
    (await shownOf(page)).map(({ pictures }) => pictures.length),
    [2, 0, 0, 0, 0, 2],
  );
  const width = await page.evaluate<number>('document.documentElement.scrollWidth');
  assert.ok(width <= (page.viewportSize()?.width ?? 0), `${width} pixels wide`);
  // The browser logs each 422.
  assert.deepEqual(
    problems.filter((text) => !text.includes('422')),
    [],
  );

  await choose(page, picture);
  assert.deepEqual(await barsOf(page), await expectedBars());
  assert.equal((await shownOf(page)).length, 1);
});

test('a dropped folder gets a sentence', { skip }, async () => {
  const { page } = await openPage(server.url);
  await page.locator('#ways').waitFor();
  // What a browser gives for a folder: a file whose bytes cannot be read.
  await page.evaluate(`(() => {
    const file = new File([], 'photos');
    file.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException('', 'NotFoundError')) });
    const event = new DragEvent('drop', { cancelable: true });
    Object.defineProperty(event, 'dataTransfer', { value: { files: [file] } });
    window.dispatchEvent(event);
  })()`);
  await page.locator('.problem', { hasText: 'If it is a folder, choose the pictures in it' }).waitFor();
});

test('the page asks for a token until it is correct, and the tab remembers it', { skip }, async () => {
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

test('without a token the page says what is missing', { skip }, async () => {
  const { page } = await openPage(guarded.url);
  await page.locator('dialog input').press('Escape');
  await page.locator('#problem', { hasText: 'Send the token' }).waitFor();
});

test('axe finds no violation, light and dark', { skip }, async () => {
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
