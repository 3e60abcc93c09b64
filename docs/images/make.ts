/**
 * Makes every picture in this folder from the real program: npm run docs:images
 * It trains on drawings of Noto Emoji (Apache 2.0) and Fluent Emoji (MIT), which the pictures therefore show; looks at the
 * training in a terminal, at its report, TensorBoard and `bat-sup serve` in Chromium; and asks about a drawing that it
 * has not trained on. It needs what `npm run test:all` installs: Debian's Chromium, and Python with TensorBoard.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium as browser, type Page } from 'playwright-core';
import seedrandom from 'seedrandom';
import sharp from 'sharp';
import { type Designer, drawingsIn, openDrawings } from '../../demo/designers.ts';
import { photograph } from '../../demo/pictures.ts';
import { shuffle } from '../../src/dataset/shuffle.ts';
import { chromium } from '../../test/helpers/chromium.ts';
import { cli } from '../../test/helpers/cli.ts';
import { startServer } from '../../test/helpers/server.ts';
import { startTensorBoard } from '../../test/helpers/tensorboard.ts';
import { cliOnTerminal } from '../../test/helpers/terminal.ts';

// The native engine that scripts/prepare.mjs has set up.
process.env.XDG_CACHE_HOME = fileURLToPath(new URL('../../.cache/xdg', import.meta.url));
process.env.BATSUP_ENGINE ??= 'native';

const here = fileURLToPath(new URL('.', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bat-sup-images-'));
const designers: Designer[] = ['noto', 'fluent-emoji-flat'];
const categories = { animals: 'Animals & Nature', food: 'Food & Drink', smileys: 'Smileys & Emotion' };
const drawingsPerClass = 60;
const epochs = 16;
/** The epoch during which the terminal is drawn. */
const drawnEpoch = 13;

async function bat(...args: string[]): Promise<void> {
  console.error(`$ bat-sup ${args.join(' ')}`);
  const { code, stderr } = await cli(folder, ...args);
  if (code !== 0) throw new Error(stderr);
}

async function writePictures(): Promise<void> {
  for (const [name, category] of Object.entries(categories)) {
    mkdirSync(join(folder, 'rawdata', name), { recursive: true });
    for (const designer of designers) {
      const draw = openDrawings(designer);
      const concepts = shuffle(drawingsIn(designer, category).sort(), '1').filter(
        (concept) => concept !== 'bat',
      );
      for (const concept of concepts.slice(0, drawingsPerClass)) {
        const picture = await photograph(draw(concept), seedrandom(`${designer}/${concept}`));
        writeFileSync(join(folder, 'rawdata', name, `${concept}-${designer}.jpg`), picture);
      }
    }
  }
  const asked = await photograph(openDrawings('noto')('bat'), seedrandom('bat'));
  await sharp(asked).resize(480, 480, { fit: 'cover' }).jpeg({ quality: 92 }).toFile(join(folder, 'bat.jpg'));
}

/** Trains on a terminal. @returns what stood there in the middle of `drawnEpoch`. */
async function train(): Promise<string[]> {
  const settings = ['--recipe', 'best', '--width', '64', '--height', '64', '--epochs', String(epochs)];
  let drawn: string[] = [];
  const { code } = await cliOnTerminal(folder, ['train', ...settings], {
    rows: 26,
    look: (screen) => {
      const lines = screen.lines();
      const bar = lines.find((line) => line.startsWith(`Epoch ${drawnEpoch}/${epochs}`));
      if (bar && drawn.length === 0 && Number(/(\d+) %/.exec(bar)?.[1]) > 50) drawn = lines;
    },
  });
  if (code !== 0 || drawn.length === 0) throw new Error('The training was not seen; run it again.');
  return drawn.slice(-25);
}

function drawTerminal(lines: string[]): string {
  const [width, lineHeight] = [700, 19];
  const height = lines.length * lineHeight + 28;
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const texts = lines.map(
    (line, index) =>
      `<text x="16" y="${28 + index * lineHeight}" xml:space="preserve">${escaped(line)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>bat-sup train in a terminal</title>
<rect width="100%" height="100%" rx="8" fill="#16181a"/>
<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="13.5" fill="#d8dee4">
${texts.join('\n')}
</g>
</svg>
`;
}

/** PNG with 128 colours, a fraction of what the browser writes. */
async function savePng(picture: Buffer, name: string): Promise<void> {
  await sharp(picture).png({ palette: true, colours: 128, effort: 10 }).toFile(join(here, name));
}

async function saveJpeg(file: string, name: string, width: number): Promise<void> {
  await sharp(join(folder, file))
    .resize({ width, withoutEnlargement: true })
    .jpeg({ quality: 80, mozjpeg: true })
    .toFile(join(here, name));
}

async function openPage(opened: Browser, address: string, width: number, height: number): Promise<Page> {
  const page = await opened.newPage({ viewport: { width, height } });
  await page.goto(address);
  return page;
}

async function drawReport(opened: Browser): Promise<void> {
  const report = pathToFileURL(join(folder, 'report.html')).href;
  const page = await openPage(opened, report, 1000, 760);
  await savePng(await page.screenshot(), 'report.png');
  await savePng(await page.locator('table.confusion').first().screenshot(), 'confusion-matrix.png');
}

async function drawServe(opened: Browser): Promise<void> {
  const server = await startServer(folder);
  const page = await openPage(opened, server.url, 480, 860);
  await page.locator('#show-heat-map').check();
  await page.setInputFiles('#file', join(folder, 'bat.jpg'));
  await page.locator('.heat-map:visible').waitFor();
  await savePng(await page.screenshot(), 'serve-page.png');
  server.process.kill();
  await server.ended;
}

async function drawTensorBoard(opened: Browser): Promise<void> {
  const server = await startTensorBoard(join(folder, 'checkpoints'), ['run-001/train', 'run-001/validation']);
  const page = await openPage(
    opened,
    `${server.url}/#timeseries&tagFilter=%5E(accuracy%7Closs)%24`,
    1100,
    620,
  );
  await page.locator('card-view').nth(1).waitFor();
  await page.getByRole('button', { name: 'Settings' }).click();
  // Its charts grow into place.
  await page.waitForTimeout(8000);
  await savePng(await page.screenshot(), 'tensorboard.png');
  server.stop();
}

await writePictures();
await bat('augment', '--preview', 'sheet.png');
writeFileSync(join(here, 'training.svg'), drawTerminal(await train()));
await bat('report');
await bat('explain', 'bat.jpg');
await saveJpeg('sheet.png', 'augment-preview.jpg', 1000);
await saveJpeg('explained/bat-gradcam.png', 'explain-gradcam.jpg', 360);
await saveJpeg('explained/bat-occlusion.png', 'explain-occlusion.jpg', 360);
const opened = await browser.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu'] });
await drawReport(opened);
await drawServe(opened);
await drawTensorBoard(opened);
await opened.close();
rmSync(folder, { recursive: true });
