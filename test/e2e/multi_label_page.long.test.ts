/** The pages of serve and of export, in a real browser, for a network that answers several classes or none. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Browser, chromium as browser } from 'playwright-core';
import { chromium, withoutChromium } from '../helpers/chromium.ts';
import { cli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { hangs } from '../helpers/hangs.ts';
import { writePairs } from '../helpers/pairs.ts';
import { startServer } from '../helpers/server.ts';
import { serveFolder } from '../helpers/static_server.ts';

const skip = withoutChromium();
const folder = temporaryFolder();
let opened: Browser;

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(folder, ...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

before(async () => {
  if (skip) return;
  await writePairs(folder);
  const small = ['--width', '24', '--height', '24', '--batch-size', '8', '--learning-rate', '0.003'];
  await run('train', '--multi-label', '--epochs', '6', ...small);
  const args = ['--no-sandbox', '--disable-gpu'];
  opened = await browser.launch({ executablePath: chromium, args, timeout: hangs });
});

after(() => opened?.close());

/** What predict answers for each of these pictures, as the page puts it. */
async function expected(): Promise<Map<string, string>> {
  const lines = (await run('predict', 'rawdata', '--json'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return new Map(
    lines.map(({ file, classes }) => [
      file,
      classes.map((one: { class: string }) => one.class).join(', ') || 'None of the classes',
    ]),
  );
}

/** Asserts that the page at an address answers pictures as predict does. */
async function assertSame(address: string): Promise<void> {
  const context = await opened.newContext();
  context.setDefaultTimeout(hangs);
  const page = await context.newPage();
  await page.goto(address);
  await page.locator('#ways').waitFor();
  // One picture for each answer that there is.
  const answers = new Map([...(await expected())].map(([file, answer]) => [answer, file]));
  assert.ok(answers.size > 1);
  for (const [answer, file] of answers) {
    await page.setInputFiles('#file', join(folder, file));
    await page.locator('.classes li').first().waitFor();
    await page.waitForFunction((text) => document.getElementById('status')?.textContent === text, answer);
    const bold = await page.locator('.classes li.answered .label').allInnerTexts();
    assert.equal(bold.join(', ') || 'None of the classes', answer);
  }
  await context.close();
}

test('the page of serve names every class that is answered', { skip }, async () => {
  const server = await startServer(folder);
  await assertSame(server.url);
  server.process.kill();
  await server.ended;
});

test('the exported page names them, too', { skip }, async () => {
  await run('export', '--format', 'web');
  const { address, close } = await serveFolder(join(folder, 'web'), '/');
  await assertSame(address);
  close();
});
