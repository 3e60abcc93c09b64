/** The page that export writes, in a real browser, on the same pictures as the command line. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { type BrowserContext, chromium as browser, errors, type Page } from 'playwright-core';
import sharp from 'sharp';
import { chromium, withoutChromium } from '../helpers/chromium.ts';
import { cli } from '../helpers/cli.ts';
import { emoji, writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { hangs } from '../helpers/hangs.ts';
import { violations } from '../helpers/report_page.ts';
import { serveFolder } from '../helpers/static_server.ts';

const skip = withoutChromium();
/** A network with the other kinds of layers, for grey pictures that are cropped to its size, and further. */
const other =
  '--architecture residual --width 36 --height 32 --channels 1 --fit cover --crop 0.8 --filter bicubic'.split(
    ' ',
  );
/** How the same network as the first one is made to take its pixels. */
const normalised =
  '--mean 0.4,0.5,0.45 --deviation 0.3,0.25,0.2 --fit contain --crop 0.7 --filter bilinear'.split(' ');
const folder = temporaryFolder();
const asked = join(folder, 'asked');
const closing: (() => unknown)[] = [];
let context: BrowserContext;
let address: string;
let residual: string;
let imported: string;

/** The files in asked/, and how far an answer may differ from the command line's. */
const tolerances: Record<string, number> = {
  // The same decoder: only the rounding of the engines differs.
  'large.jpg': 1e-5,
  'of-its-size.jpg': 1e-5,
  'of-its-size.png': 1e-5,
  // The browser's decoder.
  'large.png': 0.01,
  'turned.jpg': 0.01,
  'transparent.png': 0.01,
  'grey.jpg': 1e-5,
  'progressive.jpg': 0.01,
  'drawing.webp': 0.01,
  'long.gif': 0.02,
  'small.png': 0.02,
};

async function writeAsked(): Promise<void> {
  mkdirSync(asked);
  const to = (name: string) => join(asked, name);
  await emoji('bat', 600).resize(600, 450).jpeg().toFile(to('large.jpg'));
  await emoji('pizza', 24).jpeg().toFile(to('of-its-size.jpg'));
  await emoji('camel', 24).toFile(to('of-its-size.png'));
  await emoji('taco', 500).resize(500, 300).toFile(to('large.png'));
  await emoji('cow', 300).jpeg().withMetadata({ orientation: 6 }).toFile(to('turned.jpg'));
  await sharp(Buffer.from(svg)).png().toFile(to('transparent.png'));
  await emoji('goat', 200).greyscale().jpeg().toFile(to('grey.jpg'));
  await emoji('bread', 200).jpeg({ progressive: true }).toFile(to('progressive.jpg'));
  await emoji('dog', 333).webp({ lossless: true }).toFile(to('drawing.webp'));
  await emoji('carrot', 128).resize(40, 200).gif().toFile(to('long.gif'));
  await emoji('horse', 15).toFile(to('small.png'));
}

const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90">
<circle cx="45" cy="45" r="40" fill="red" fill-opacity="0.5"/><rect width="30" height="30" fill="blue"/></svg>`;

async function serve(name: string): Promise<string> {
  const server = await serveFolder(join(folder, name), '/some/where/');
  closing.push(server.close);
  return server.address;
}

async function launch({ profile = temporaryFolder(), patience = hangs, args = [] as string[] } = {}) {
  const launched = await browser.launchPersistentContext(profile, {
    executablePath: chromium,
    timeout: hangs,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      ...args,
    ],
  });
  launched.setDefaultTimeout(patience);
  closing.push(() => launched.close());
  return launched;
}

before(async () => {
  await writeRawData(folder);
  const small = ['--batch-size', '8', '--epochs', '2', '--seed', '3'];
  for (const args of [
    ['train', '--width', '24', '--height', '24', '--run', 'article', ...small],
    ['export', '--format', 'web', '--checkpoint', 'checkpoints/article'],
    ['train', ...other, '--run', 'residual', ...small],
    ['export', '--format', 'web', '--checkpoint', 'checkpoints/residual', '--output', 'residual'],
    ['export', '--format', 'onnx', '--preprocessing', 'outside', '--checkpoint', 'checkpoints/article'],
    ['import', 'model.onnx', '--run', 'imported', ...normalised],
    ['export', '--format', 'web', '--checkpoint', 'checkpoints/imported', '--output', 'imported'],
  ]) {
    const { code, stderr } = await cli(folder, ...args);
    assert.equal(code, 0, stderr);
  }
  await writeAsked();
  if (skip) return;
  address = await serve('web');
  residual = await serve('residual');
  imported = await serve('imported');
  context = await launch();
});
after(async () => {
  for (const close of closing.reverse()) await close();
});

/** Opens the page and waits for its network. @returns also its requests, console messages and errors. */
async function open({ at = address, query = '', width = 800, dark = false, within = context } = {}) {
  const page = await within.newPage();
  const requests: string[] = [];
  const problems: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  await page.setViewportSize({ width, height: 800 });
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
  await page.goto(at + query);
  await page.locator('#ways').waitFor();
  return { page, requests, problems };
}

/** The status line once it holds an answer. */
async function statusOf(page: Page): Promise<string> {
  await page.locator('#status', { hasText: '%' }).waitFor();
  return (await page.locator('#status').textContent()) as string;
}

/** Probabilities by class that the page's answer.js gives a file. */
async function probabilitiesOf(page: Page, file: string): Promise<Record<string, number>> {
  const base64 = readFileSync(file).toString('base64');
  return page.evaluate(`(async () => {
    const { answer } = await import('./answer.js');
    const bytes = Uint8Array.from(atob('${base64}'), (letter) => letter.charCodeAt(0));
    const { classes } = await answer(new Blob([bytes]), { heatMap: false });
    return Object.fromEntries(classes.map(({ label, probability }) => [label, probability]));
  })()`);
}

interface Line {
  file: string;
  top: { class: string; probability: number }[];
}

async function commandLine(run: string): Promise<Line[]> {
  const place = ['--checkpoint', `checkpoints/${run}`];
  const { code, stdout, stderr } = await cli(folder, 'predict', 'asked', '--json', '--top-k', '2', ...place);
  assert.equal(code, 0, stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

for (const [engine, note] of [
  ['wasm', /WebAssembly/],
  ['webgl', /WebGL/],
  ['cpu', /JavaScript/],
] as const) {
  test(`${engine} gives the same answers as the command line`, { skip }, async (t) => {
    // Without a graphics card the processor emulates WebGL, which the page uses only on request.
    const within = engine === 'webgl' ? await launch({ args: ['--enable-unsafe-swiftshader'] }) : context;
    for (const [run, at, tolerance] of [
      ['article', address, (file: string) => tolerances[file] as number],
      ['residual', residual, () => 0.01],
      ['imported', imported, () => 0.02],
    ] as const) {
      const { page, problems } = await open({ at, query: `?engine=${engine}`, within });
      assert.match((await page.locator('#note').textContent()) as string, note);
      const lines = await commandLine(run);
      assert.equal(lines.length, Object.keys(tolerances).length);
      for (const { file, top } of lines) {
        const found = await probabilitiesOf(page, join(folder, file));
        const differences = top.map((one) => Math.abs(one.probability - (found[one.class] as number)));
        const difference = Math.max(...differences);
        t.diagnostic(`${run}, ${file}: ${difference}`);
        assert.ok(difference <= tolerance(basename(file)), `${run}, ${file}: ${difference}`);
      }
      await page.setInputFiles('#file', join(asked, 'large.png'));
      await page.getByLabel(/heat map/).check();
      await page.locator('.heat-map').waitFor();
      assert.deepEqual(problems, []);
      await page.close();
    }
  });
}

test('without a graphics card it uses WebAssembly', { skip }, async () => {
  const { page } = await open();
  assert.match((await page.locator('#note').textContent()) as string, /WebAssembly/);
  await page.close();
});

test('a chosen picture is shown with its classes, offline too, and nothing outside the folder is requested', {
  skip,
}, async () => {
  const { page, requests, problems } = await open();
  await context.setOffline(true);
  await page.setInputFiles('#file', join(asked, 'large.jpg'));
  const status = await statusOf(page);
  await context.setOffline(false);
  const [line] = (await commandLine('article')).filter(({ file }) => file.endsWith('large.jpg'));
  const best = line?.top[0] as Line['top'][number];
  assert.equal(status, `${best.class}, ${(100 * best.probability).toFixed(1)} %`);
  assert.equal(await page.locator('.classes li').count(), 2);
  assert.equal(await page.locator('.classes li .label').first().textContent(), best.class);
  assert.ok(await page.locator('.picture').isVisible());
  const outside = requests.filter((one) => !one.startsWith(address) && !/^(blob|data):/.test(one));
  assert.deepEqual(outside, []);
  assert.deepEqual(problems, []);
  await page.close();
});

/** In the page: whether its service worker has cached the folder within half a minute. */
const isKept = `Promise.race([
  new Promise((later) => setTimeout(later, 30000, false)),
  (async () => {
    const worker = await navigator.serviceWorker.ready;
    await worker.update();
    while (worker.installing || worker.waiting || worker.active.state !== 'activated')
      await new Promise((later) => setTimeout(later, 20));
    return true;
  })(),
])`;

/**
 * Opens the page in one browser after another, all with the same profile, until its service worker has cached the folder.
 * Now and then a worker that the test driver has attached to never starts, and every navigation waits for it; the next
 * browser starts it again.
 */
async function openUntilKept(at: string, profile: string, check: (page: Page) => Promise<void>) {
  for (let browsers = 0; browsers < 20; browsers++) {
    const within = await launch({ profile, patience: 60_000 });
    try {
      const { page } = await open({ at, within });
      await check(page);
      if (await page.evaluate<boolean>(isKept)) return;
    } catch (error) {
      if (!(error instanceof errors.TimeoutError)) throw error;
    } finally {
      await within.close();
    }
  }
  assert.fail('its service worker never has the folder');
}

test('once opened, it works without its server, with the export that was opened last', {
  skip,
}, async () => {
  const place = join(folder, 'moved');
  const profile = temporaryFolder();
  let port = 0;
  for (const [exported, run] of [
    ['web', 'article'],
    ['residual', 'residual'],
  ] as const) {
    rmSync(place, { recursive: true, force: true });
    cpSync(join(folder, exported), place, { recursive: true });
    const server = await serveFolder(place, '/', port);
    closing.push(server.close);
    const at = server.address;
    port = Number(new URL(at).port);
    const [line] = (await commandLine(run)).filter(({ file }) => file.endsWith('large.jpg'));
    const best = line?.top[0] as Line['top'][number];
    const answersAs = async (page: Page) => {
      const found = await probabilitiesOf(page, join(asked, 'large.jpg'));
      assert.ok(Math.abs((found[best.class] as number) - best.probability) < 0.01, exported);
    };
    await openUntilKept(at, profile, answersAs);
    server.close();
    const within = await launch({ profile });
    const { page: offline, problems } = await open({ at, within });
    await answersAs(offline);
    assert.deepEqual(problems, []);
    await within.close();
  }
});

test('the heat map covers the picture, and is hottest where explain finds it', { skip }, async () => {
  const { page, problems } = await open();
  await page.setInputFiles('#file', join(asked, 'large.jpg'));
  await statusOf(page);
  await page.getByLabel(/heat map/).check();
  await page.locator('.heat-map').waitFor();
  await page.evaluate(`document.querySelector('.heat-map').decode()`);
  const hottest = await page.evaluate(`(() => {
    const image = document.querySelector('.heat-map');
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const { data, width } = context.getImageData(0, 0, canvas.width, canvas.height);
    let most = 0;
    for (let at = 3; at < data.length; at += 4) if (data[at] > data[most * 4 + 3]) most = (at - 3) / 4;
    return { x: most % width, y: Math.floor(most / width) };
  })()`);
  const explained = await cli(
    folder,
    'explain',
    'asked/large.jpg',
    '--no-occlusion',
    '--json',
    ...['--checkpoint', 'checkpoints/article'],
  );
  assert.deepEqual(hottest, JSON.parse(explained.stdout).gradCam.hottest);
  const boxes = await Promise.all(['.picture', '.heat-map'].map((one) => page.locator(one).boundingBox()));
  assert.deepEqual(boxes[0], boxes[1]);
  await page.getByLabel(/heat map/).uncheck();
  assert.ok(await page.locator('.heat-map').isHidden());
  assert.deepEqual(problems, []);
  await page.close();
});

test('the heat map of a network that crops covers the middle of the picture', { skip }, async () => {
  const { page } = await open({ at: imported });
  await page.setInputFiles('#file', join(asked, 'large.jpg'));
  await statusOf(page);
  await page.getByLabel(/heat map/).check();
  await page.locator('.heat-map').waitFor();
  const [picture, heat] = await Promise.all(
    ['.picture', '.heat-map'].map((one) => page.locator(one).boundingBox()),
  );
  assert.ok(picture && heat);
  assert.ok(Math.abs(heat.width / picture.width - 0.7) < 0.01, JSON.stringify({ picture, heat }));
  assert.ok(Math.abs(heat.x + heat.width / 2 - picture.x - picture.width / 2) < 1);
  assert.ok(Math.abs(heat.y + heat.height / 2 - picture.y - picture.height / 2) < 1);
  await page.close();
});

test('the camera takes a picture with the keyboard, and is closed', { skip }, async () => {
  const { page, problems } = await open();
  await page.getByRole('button', { name: 'Use the camera' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('#camera').waitFor();
  await page.locator('#capture:focus').waitFor();
  await page.keyboard.press('Enter');
  await statusOf(page);
  assert.ok(await page.locator('#camera').isHidden());
  assert.equal(await page.evaluate(`document.getElementById('video').srcObject`), null);
  assert.ok(await page.evaluate(`document.querySelector('.picture').naturalWidth > 0`));
  assert.deepEqual(problems, []);
  await page.close();
});

for (const [way, event] of [
  ['pasted', `new ClipboardEvent('paste', { clipboardData: given })`],
  ['dropped', `new DragEvent('drop', { dataTransfer: given, cancelable: true })`],
]) {
  test(`a picture is ${way}; a file that is not one gets a sentence, and the next picture is classified`, {
    skip,
  }, async () => {
    const { page } = await open();
    const give = (file: Buffer, type: string) =>
      page.evaluate(`(() => {
        const given = new DataTransfer();
        const bytes = Uint8Array.from(atob('${file.toString('base64')}'), (letter) => letter.charCodeAt(0));
        given.items.add(new File([bytes], 'given', { type: '${type}' }));
        window.dispatchEvent(${event});
      })()`);
    await give(Buffer.from('no picture'), 'image/png');
    await page.locator('.problem', { hasText: 'The browser cannot read this picture' }).waitFor();
    assert.equal(await page.locator('img:visible').count(), 0);
    await give(readFileSync(join(asked, 'large.png')), 'image/png');
    await statusOf(page);
    assert.equal(await page.locator('#problem').textContent(), '');
    await page.close();
  });
}

for (const width of [360, 1200]) {
  for (const dark of [false, true]) {
    test(`${width} pixels wide, ${dark ? 'dark' : 'light'}: everything fits and is readable`, {
      skip,
    }, async () => {
      const { page } = await open({ width, dark });
      assert.deepEqual(await violations(page, 10), []);
      await page.setInputFiles('#file', join(asked, 'long.gif'));
      await statusOf(page);
      assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width);
      assert.deepEqual(await violations(page, 10), []);
      await page.close();
    });
  }
}

test('an incomplete folder gets a sentence', { skip }, async () => {
  const { page } = await open();
  const torn = temporaryFolder();
  for (const name of readdirSync(join(folder, 'web')))
    if (name !== 'model.json') writeFileSync(join(torn, name), readFileSync(join(folder, 'web', name)));
  const server = await serveFolder(torn, '/');
  closing.push(server.close);
  await page.goto(server.address);
  await page.locator('#problem', { hasText: 'model.json cannot be loaded (status 404)' }).waitFor();
  await page.close();
});

test('an exported network can be imported', async () => {
  const { code, stdout, stderr } = await cli(folder, 'import', 'web', '--run', 'back', '--json');
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout).model.classes, ['animal', 'food']);
});
