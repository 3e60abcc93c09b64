/** The page of export --format web in a real browser: it says unknown where predict does, and as far away. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { chromium as browser } from 'playwright-core';
import { chromium, withoutChromium } from '../helpers/chromium.ts';
import { cli } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { hangs } from '../helpers/hangs.ts';
import { serveFolder } from '../helpers/static_server.ts';

/** Saves a rejection with other factors, and writes the page with it. @returns what predict says then. */
async function exportWith(folder: string, distanceFactor: number) {
  const run = join(folder, 'checkpoints', 'run-001');
  const checkpoint = readdirSync(run).find(
    (name) =>
      readdirSync(run).includes(name) &&
      /^checkpoint-\d+$/.test(name) &&
      readdirSync(join(run, name)).includes('unknown.json'),
  );
  const file = join(run, checkpoint as string, 'unknown.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), distanceFactor }));
  const args = ['--checkpoint', join(run, checkpoint as string)];
  const { code, stderr } = await cli(folder, 'export', '--format', 'web', '--overwrite', ...args);
  assert.equal(code, 0, stderr);
  return JSON.parse((await cli(folder, 'predict', 'heart.png', '--json', ...args)).stdout);
}

test('the page says unknown where predict does', { skip: withoutChromium() }, async () => {
  const folder = temporaryFolder();
  await writeRawData(folder);
  await emoji('red-heart', 24).toFile(join(folder, 'heart.png'));
  const size = ['--width', '24', '--height', '24', '--batch-size', '8', '--epochs', '1'];
  const { code, stderr } = await cli(folder, 'train', ...size, '--unknown');
  assert.equal(code, 0, stderr);
  const launched = await browser.launch({
    executablePath: chromium,
    args: ['--no-sandbox', '--disable-gpu'],
    timeout: hangs,
  });
  try {
    for (const factor of [1000, 0]) {
      const predicted = await exportWith(folder, factor);
      const server = await serveFolder(join(folder, 'web'), '/some/where/');
      const page = await (await launched.newContext()).newPage();
      page.setDefaultTimeout(hangs);
      await page.goto(server.address);
      await page.locator('#ways').waitFor();
      const base64 = readFileSync(join(folder, 'heart.png')).toString('base64');
      const distance: number = await page.evaluate(`(async () => {
        const { answer } = await import('./answer.js');
        const bytes = Uint8Array.from(atob('${base64}'), (letter) => letter.charCodeAt(0));
        return (await answer(new Blob([bytes]), { heatMap: false })).distance;
      })()`);
      assert.ok(
        Math.abs(distance - predicted.distance) < 1e-3 * (1 + predicted.distance),
        `${distance}, not ${predicted.distance}`,
      );
      await page.locator('#file').setInputFiles(join(folder, 'heart.png'));
      await page.locator('.classes li').first().waitFor();
      const said = await page.locator('article .unknown').textContent();
      if (predicted.class === 'unknown')
        assert.match(
          String(said),
          /^Unknown: none of the classes \(distance \d+\.\d\d; above 1 is unknown\)$/,
        );
      else assert.equal(said, '');
      assert.equal(await page.locator('article .unknown').isHidden(), predicted.class !== 'unknown');
      await server.close();
    }
  } finally {
    await launched.close();
  }
});
