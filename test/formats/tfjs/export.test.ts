/** The exports opened by the real TensorFlow.js in a real browser. */
import assert from 'node:assert/strict';
import { createReadStream, existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Browser, chromium as browser, type Page } from 'playwright-core';
import { startEngine } from '../../../src/engine/index.ts';
import { chromium, withoutChromium } from '../../helpers/chromium.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { inside, networkCases, outside } from '../../helpers/network_cases.ts';
import { type Asked, exportAll } from '../../helpers/other_side.ts';

const require = createRequire(import.meta.url);
const scripts = [
  'tfjs-core/dist/tf-core',
  'tfjs-backend-cpu/dist/tf-backend-cpu',
  'tfjs-layers/dist/tf-layers',
];
const skip = withoutChromium();
/** The greatest difference from bat-sup's logits, as a share of their spread. */
const tolerances = { float32: 1e-5, float16: 2e-3, int8: 0.05 };

let server: Server | undefined;
let opened: Browser | undefined;

before(() => startEngine('wasm', { threads: 1 }));
after(async () => {
  await opened?.close();
  server?.close();
});

/** A page with TensorFlow.js, from a server that has the exports as /<number>/<file>. */
async function openPage(asked: Asked[]): Promise<Page> {
  const html = scripts.map((script) => `<script src="/${basename(script)}"></script>`).join('');
  server = createServer(({ url = '/' }, response) => {
    const [, first = '', second = ''] = url.split('/');
    const script = scripts.find((one) => basename(one) === first);
    if (url === '/') response.setHeader('content-type', 'text/html').end(html);
    else {
      const file = script
        ? require.resolve(`@tensorflow/${script}.min.js`)
        : join(asked[Number(first)]?.file ?? '', basename(second));
      if (existsSync(file) && url !== '/favicon.ico') createReadStream(file).pipe(response);
      else response.writeHead(404).end();
    }
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server?.once('listening', resolve));
  opened = await browser.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu'] });
  const page = await opened.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as { port: number }).port}/`);
  return page;
}

/** As a string: what tsx makes of a function calls helpers that the browser does not have. */
function question(index: number, { network: { model, preprocessing }, options, pixels }: Asked): string {
  const shape = [3, model.height, model.width, model.channels];
  const scale = options.preprocessing === 'outside' ? preprocessing.scale : 1;
  return `(async () => {
    const model = await tf.loadLayersModel('/${index}/model.json');
    const pictures = tf.mul(tf.tensor4d([${pixels}], [${shape}]), ${scale});
    const classes = model.getUserDefinedMetadata()['bat-sup'].classes;
    return { logits: await model.predict(pictures).array(), classes };
  })()`;
}

test('TensorFlow.js answers the same in a browser', { skip }, async (t) => {
  const ways = [inside, outside, { ...inside, weights: 'float16' }, { ...inside, weights: 'int8' }] as const;
  const asked = await exportAll('tfjs', networkCases(), [...ways]);
  const page = await openPage(asked);
  for (const [index, one] of asked.entries()) {
    const { logits, classes } = (await page.evaluate(question(index, one))) as {
      logits: number[][];
      classes: string[];
    };
    const { difference, spread } = compare(logitsOf(one.network, one.pixels), logits);
    t.diagnostic(`${one.name}: ${difference} of ${spread}`);
    assert.ok(
      difference <= tolerances[one.options.weights] * spread,
      `${one.name}: ${difference} of ${spread}`,
    );
    assert.deepEqual(classes, one.network.model.classes);
  }
});
