/** The report of a training whose classes and files have hostile names, opened in a real browser. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type BrowserContext, chromium as browser, type Page } from 'playwright-core';
import { chromium, withoutChromium } from '../helpers/chromium.ts';
import { cli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const folder = temporaryFolder();
const report = join(folder, 'report.html');
const hostileClass = '<img src=x onerror=alert(1)> & "food"';
const hostileFile = `'"><svg onload=alert(2)>.png`;
const skip = withoutChromium();
let context: BrowserContext | undefined;

before(async () => {
  await writeRawData(folder);
  const raw = join(folder, 'rawdata');
  renameSync(join(raw, 'food'), join(raw, hostileClass));
  // Every picture of the class, so that one of them is among the highest losses.
  for (const icon of ['avocado', 'bacon', 'banana', 'bread', 'broccoli', 'carrot', 'cherries', 'cookie'])
    renameSync(join(raw, hostileClass, `${icon}.png`), join(raw, hostileClass, icon + hostileFile));
  const small = ['--width', '16', '--height', '16', '--validation-split', '0.4'];
  const learnt = await cli(folder, 'train', '--epochs', '3', ...small);
  assert.equal(learnt.code, 0, learnt.stderr);
  const { code, stderr } = await cli(folder, 'report');
  assert.equal(code, 0, stderr);
  if (skip) return;
  context = await browser.launchPersistentContext(temporaryFolder(), {
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

/** `requests` are the addresses that the report asks for, `problems` what it complains of. */
async function open({ width, dark }: { width: number; dark: boolean }) {
  const page = await (context as BrowserContext).newPage();
  const requests: string[] = [];
  const problems: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('dialog', (dialog) => {
    problems.push(dialog.message());
    dialog.dismiss();
  });
  await page.setViewportSize({ width, height: 800 });
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
  await page.goto(pathToFileURL(report).href);
  return { page, requests, problems };
}

async function violations(page: Page): Promise<unknown[]> {
  await page.evaluate(axe);
  const { violations, passes } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; nodes: unknown[] }[];
    passes: unknown[];
  };
  assert.ok(passes.length > 20);
  return violations.map(({ id, nodes }) => [id, nodes]);
}

for (const width of [360, 1200]) {
  for (const dark of [false, true]) {
    test(`${width} pixels wide, ${dark ? 'dark' : 'light'}: nothing sticks out and all can be read`, {
      skip,
    }, async () => {
      const { page, requests, problems } = await open({ width, dark });
      await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
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

test('charts, tables and pictures have names, and hostile names are text', { skip }, async () => {
  const { page } = await open({ width: 800, dark: false });
  for (const name of ['Loss', 'Accuracy', 'Reliability curve'])
    assert.equal(await page.getByRole('img', { name, exact: false }).first().count(), 1, name);
  assert.match(
    (await page.locator('#loss-description').textContent()) ?? '',
    /training goes from \d\.\d{4} in epoch 1 to \d\.\d{4} in epoch 3\. validation goes from/,
  );
  const confusion = page.getByRole('region', { name: 'Confusion matrix' });
  assert.equal(await confusion.getByRole('columnheader', { name: hostileClass }).count(), 1);
  assert.equal(await confusion.getByRole('rowheader', { name: hostileClass }).count(), 1);
  const counts = (await confusion.getByRole('cell').allTextContents()).map(Number);
  assert.equal(
    counts.reduce((a, b) => a + b, 0),
    10,
  );
  const names = await page.locator('#top-losses ~ ul figcaption code').allTextContents();
  assert.equal(names.length, 10);
  assert.ok(names.some((name) => name.includes(hostileFile)));
  assert.equal(await page.locator('img[onerror], svg[onload], img[src="x"]').count(), 0);
  assert.equal(await page.locator('img:not([alt]), img[alt=""]').count(), 0);
  const widths = await page.evaluate<number[]>('Array.from(document.images, (image) => image.naturalWidth)');
  // Ten of the highest losses, each with a heat map of nine times the network's 16 pixels; six samples of each class.
  assert.deepEqual(widths.sort(), [...Array(10).fill(136), ...Array(10).fill(144), ...Array(12).fill(64)]);
  assert.equal(await page.getByRole('img', { name: /^Heat map: where it looks like / }).count(), 10);
  await page.getByRole('navigation').getByRole('link', { name: 'Network' }).click();
  assert.match(page.url(), /#network$/);
  assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1);
  assert.equal(await page.getByRole('heading', { level: 2 }).count(), 8);
  await page.close();
});

test('the report holds what the run was, and may load and run nothing', async () => {
  const page = readFileSync(report, 'utf8');
  assert.match(page, /Content-Security-Policy" content="default-src 'none'; img-src data:; style-src/);
  assert.doesNotMatch(page, /<script|https?:|<img src=x|<svg onload/);
  assert.match(page, /bat-sup train --epochs 3 --width 16 --height 16 --validation-split 0\.4/);
  assert.match(page, /conv1<\/th><td>kernel 5, stride 1<\/td><td>16 × 16 × 16<\/td><td>1,216/);
  assert.match(page, /WebAssembly with SIMD/);
  const again = join(folder, 'again.html');
  const { stdout } = await cli(folder, 'report', 'run-001', '--output', again, '--json');
  const result = JSON.parse(stdout);
  assert.equal(result.bytes, readFileSync(again).length);
  assert.equal(readFileSync(again, 'utf8'), page);
});

test('without its pictures and its record a run still has a report', async () => {
  const run = join(folder, 'checkpoints', 'run-001');
  const elsewhere = temporaryFolder();
  for (const name of ['validation.json', 'run.json', 'metrics.jsonl']) rmSync(join(run, name));
  const { code, stdout, stderr } = await cli(elsewhere, 'report', run, '--json');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /not evaluated: .* does not tell which pictures were held back/);
  assert.equal(JSON.parse(stdout).accuracy, null);
  const page = readFileSync(join(elsewhere, 'report.html'), 'utf8');
  assert.match(page, /Not evaluated: /);
  assert.match(page, /The run keeps no figures of its epochs/);
});

test('a report that cannot be written leaves what was there', async () => {
  const output = join(folder, 'taken');
  mkdirSync(output);
  writeFileSync(join(output, 'mine'), 'mine');
  const { code, stdout, stderr } = await cli(folder, 'report', '--output', output);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /taken cannot be written \(.*\); name another with --output/);
  assert.equal(readFileSync(join(output, 'mine'), 'utf8'), 'mine');
});
