/** Opens an HTML report in a real browser, and checks what holds for every report. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type BrowserContext, chromium as browser, type Page } from 'playwright-core';
import { chromium, withoutChromium } from './chromium.ts';
import { hangs } from './hangs.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** @param profile a folder that is removed once the browser is closed. */
export async function launchBrowser(profile: string): Promise<BrowserContext> {
  const context = await browser.launchPersistentContext(profile, {
    executablePath: chromium,
    timeout: hangs,
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
  context.setDefaultTimeout(hangs);
  return context;
}

export interface Opened {
  page: Page;
  /** URLs that the report requested. */
  requests: string[];
  /** Console messages, errors and dialogs. */
  problems: string[];
}

/** Opens a report in a new window. */
export async function openReport(
  context: BrowserContext,
  report: string,
  { width, dark }: { width: number; dark: boolean },
): Promise<Opened> {
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
  await page.setViewportSize({ width, height: 800 });
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
  await page.goto(pathToFileURL(report).href);
  return { page, requests, problems };
}

/** @param minPasses how many rules of axe must have been checked. */
export async function violations(page: Page, minPasses: number): Promise<unknown[]> {
  await page.evaluate(axe);
  const { violations, passes } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; nodes: unknown[] }[];
    passes: unknown[];
  };
  assert.ok(passes.length > minPasses);
  return violations.map(({ id, nodes }) => [id, nodes]);
}

/** Tests that it is readable on a phone and a desktop, light and dark, and requests nothing but itself. */
export function testReadable(
  report: string,
  open: (window: { width: number; dark: boolean }) => Promise<Opened>,
  minPasses: number,
): void {
  for (const width of [360, 1200]) {
    for (const dark of [false, true]) {
      test(`${width} pixels wide, ${dark ? 'dark' : 'light'}: everything fits and is readable`, {
        skip: withoutChromium(),
      }, async () => {
        const { page, requests, problems } = await open({ width, dark });
        await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
        assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width);
        assert.deepEqual(await violations(page, minPasses), []);
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
}
