/** The report of a training whose classes and files have hostile names, in a real browser. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { BrowserContext } from 'playwright-core';
import { withoutChromium } from '../helpers/chromium.ts';
import { cli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { launchBrowser, openReport, testReadable } from '../helpers/report_page.ts';

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
  const trained = await cli(folder, 'train', '--epochs', '3', ...small);
  assert.equal(trained.code, 0, trained.stderr);
  const { code, stderr } = await cli(folder, 'report');
  assert.equal(code, 0, stderr);
  if (skip) return;
  context = await launchBrowser(temporaryFolder());
});
after(() => context?.close());

const open = (window: { width: number; dark: boolean }) =>
  openReport(context as BrowserContext, report, window);

testReadable(report, open, 20);

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
  assert.equal(await page.getByRole('img', { name: /^Heat map: where the network sees / }).count(), 10);
  await page.getByRole('navigation').getByRole('link', { name: 'Network' }).click();
  assert.match(page.url(), /#network$/);
  assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1);
  assert.equal(await page.getByRole('heading', { level: 2 }).count(), 8);
  await page.close();
});

test('the report has the commands, layers and engine of the run, and may load and run nothing', async () => {
  const page = readFileSync(report, 'utf8');
  assert.match(page, /Content-Security-Policy" content="default-src 'none'; img-src data:; style-src/);
  assert.doesNotMatch(page, /<script|https?:|<img src=x|<svg onload/);
  assert.match(
    page,
    /bat-sup train --width 16 --height 16 --epochs 3 --validation-split 0\.4 \\\n {2}--engine wasm/,
  );
  const attributes = 'kernel 5, outputChannels 16, stride 1, padding same, biases true';
  assert.match(page, new RegExp(`conv1</th><td>${attributes}</td><td>16 × 16 × 16</td><td>1,216<`));
  assert.match(page, /WebAssembly with (relaxed )?SIMD/);
  const again = join(folder, 'again.html');
  const { stdout } = await cli(folder, 'report', 'run-001', '--output', again, '--json');
  const result = JSON.parse(stdout);
  assert.equal(result.bytes, readFileSync(again).length);
  assert.equal(readFileSync(again, 'utf8'), page);
});

test('a run without its pictures and its record still gets a report', async () => {
  const run = join(folder, 'checkpoints', 'run-001');
  const elsewhere = temporaryFolder();
  for (const name of ['validation.json', 'run.json', 'metrics.jsonl']) rmSync(join(run, name));
  const { code, stdout, stderr } = await cli(elsewhere, 'report', run, '--json');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /not evaluated: .* does not say which pictures were held back/);
  assert.equal(JSON.parse(stdout).accuracy, null);
  const page = readFileSync(join(elsewhere, 'report.html'), 'utf8');
  assert.match(page, /Not evaluated: /);
  assert.match(page, /The run has no record of its epochs/);
});

test('a report that cannot be written leaves the existing file alone', async () => {
  const output = join(folder, 'taken');
  mkdirSync(output);
  writeFileSync(join(output, 'mine'), 'mine');
  const { code, stdout, stderr } = await cli(folder, 'report', '--output', output);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /taken cannot be written \(.*\); name another with --output/);
  assert.equal(readFileSync(join(output, 'mine'), 'utf8'), 'mine');
});
