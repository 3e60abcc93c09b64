/** examples/browser in Chromium, with a network that the real command exported. */
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium as browser } from 'playwright-core';
import { saveNetwork } from '../helpers/checkpoint.ts';
import { chromium, withoutChromium } from '../helpers/chromium.ts';
import { cli } from '../helpers/cli.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { hangs } from '../helpers/hangs.ts';
import { serveFolder } from '../helpers/static_server.ts';

const example = fileURLToPath(new URL('../../examples/browser', import.meta.url));

test('the page classifies a picture as predict does', { skip: withoutChromium() }, async (context) => {
  const folder = temporaryFolder();
  cpSync(example, folder, { recursive: true });
  const classes = ['animal', 'food'];
  await saveNetwork(join(folder, 'checkpoints', 'run-001'), {
    architecture: 'article',
    width: 16,
    height: 16,
    channels: 3,
    classes,
  });
  await emoji('bat').jpeg().toFile(join(folder, 'bat.jpg'));
  const exported = await cli(folder, 'export', '--format', 'web', '--output', 'web');
  assert.equal(exported.code, 0, exported.stderr);
  const predicted = await cli(folder, 'predict', 'bat.jpg', '--top-k', '2', '--json');
  const { top } = JSON.parse(predicted.stdout) as { top: { class: string; probability: number }[] };
  const expected = top.map((one) => `${one.class} ${(100 * one.probability).toFixed(1)} %`).join(', ');

  const server = await serveFolder(folder, '/');
  const opened = await browser.launch({
    executablePath: chromium,
    args: ['--no-sandbox', '--disable-gpu'],
    timeout: hangs,
  });
  context.after(async () => {
    await opened.close();
    server.close();
  });
  const page = await opened.newPage();
  page.setDefaultTimeout(hangs);
  await page.goto(server.address);
  await page.getByText('Choose a picture; the answer is one of: animal, food.').waitFor();
  await page.setInputFiles('#file', join(folder, 'bat.jpg'));
  await page.getByText(expected).waitFor();
});
