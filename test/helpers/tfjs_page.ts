import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { chromium as browser, type Page } from 'playwright-core';
import { chromium } from './chromium.ts';
import { hangs } from './hangs.ts';

const require = createRequire(import.meta.url);
const scripts = [
  'tfjs-core/dist/tf-core',
  'tfjs-backend-cpu/dist/tf-backend-cpu',
  'tfjs-layers/dist/tf-layers',
];

export interface TfjsPage {
  page: Page;
  close(): Promise<void>;
}

/** Opens a page with the real TensorFlow.js, on a server with the folders' files at /<index of the folder>/<file>. */
export async function openTfjsPage(folders: string[] = []): Promise<TfjsPage> {
  const html = scripts.map((script) => `<script src="/${basename(script)}"></script>`).join('');
  const fileOf = (url: string) => {
    const [, first = '', second = ''] = url.split('/');
    const script = scripts.find((one) => basename(one) === first);
    return script
      ? require.resolve(`@tensorflow/${script}.min.js`)
      : join(folders[Number(first)] ?? 'none', basename(second));
  };
  const server = createServer(({ url = '/' }, response) => {
    if (url === '/') response.setHeader('content-type', 'text/html').end(html);
    else if (existsSync(fileOf(url))) createReadStream(fileOf(url)).pipe(response);
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const opened = await browser.launch({
    executablePath: chromium,
    args: ['--no-sandbox', '--disable-gpu'],
    timeout: hangs,
  });
  const page = await opened.newPage();
  page.setDefaultTimeout(hangs);
  await page.goto(`http://127.0.0.1:${(server.address() as { port: number }).port}/`);
  return {
    page,
    async close() {
      await opened.close();
      server.close();
    },
  };
}
