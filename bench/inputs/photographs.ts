import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import seedrandom from 'seedrandom';
import sharp, { type OverlayOptions } from 'sharp';
import { mapConcurrently } from '../../src/concurrency.ts';

const require = createRequire(import.meta.url);
const cache = fileURLToPath(new URL('../../.cache/bench-pictures', import.meta.url));

const { icons } = JSON.parse(readFileSync(require.resolve('@iconify-json/noto/icons.json'), 'utf8'));

type Random = () => number;

/** RGB noise of the size, smooth over `grain` pixels; seeded, which sharp's own noise is not. */
async function noise(random: Random, width: number, height: number, grain: number): Promise<Buffer> {
  const raw = {
    width: Math.ceil(width / grain) + 1,
    height: Math.ceil(height / grain) + 1,
    channels: 3,
  } as const;
  const values = new Uint8Array(raw.width * raw.height * 3);
  for (let i = 0; i < values.length; i++) values[i] = random() * 256;
  return sharp(values, { raw }).resize(width, height, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer();
}

/** Octaves of noise: soft light and shade, structure, and the grain of a sensor. */
async function ground(random: Random, width: number, height: number): Promise<Buffer> {
  const octaves: [grain: number, weight: number][] = [
    [256, 0.5],
    [64, 0.3],
    [16, 0.15],
    [4, 0.12],
    [1, 0.06],
  ];
  const sum = new Float32Array(width * height * 3).fill(-16);
  for (const [grain, weight] of octaves) {
    const layer = await noise(random, width, height, grain);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + weight * (layer[i] as number);
  }
  return Buffer.from(Uint8ClampedArray.from(sum));
}

async function drawings(random: Random, width: number, height: number): Promise<OverlayOptions[]> {
  const names = Object.keys(icons);
  const overlays: OverlayOptions[] = [];
  for (let count = 3 + Math.floor(random() * 4); count > 0; count--) {
    const { body } = icons[names[Math.floor(random() * names.length)] as string];
    const side = Math.round((0.2 + 0.5 * random()) * height);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 128 128">${body}</svg>`;
    const input = await sharp(Buffer.from(svg)).resize(side, side).png().toBuffer();
    const left = Math.floor(random() * (width - side));
    overlays.push({ input, left, top: Math.floor(random() * (height - side)) });
  }
  return overlays;
}

/** A baseline JPEG of about 150 kB with 4:2:0 chroma, as cameras and the web have them. */
async function photograph(index: number, width: number, height: number): Promise<Buffer> {
  const random = seedrandom(`photograph/${index}`);
  const pixels = await ground(random, width, height);
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .composite(await drawings(random, width, height))
    .jpeg({ quality: 88, chromaSubsampling: '4:2:0' })
    .toBuffer();
}

/** A folder of JPEGs <index>.jpg, the same on every machine; made once. */
export async function photographs(count: number, width = 1024, height = 768): Promise<string> {
  const folder = join(cache, `photographs-${count}-${width}x${height}`);
  if (existsSync(folder)) return folder;
  console.error(`Making ${count} pictures of ${width} x ${height} in ${folder} ...`);
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  await mapConcurrently([...Array(count).keys()], 0, async (index) => {
    const file = join(temporary, `${String(index).padStart(4, '0')}.jpg`);
    writeFileSync(file, await photograph(index, width, height));
  });
  renameSync(temporary, folder);
  return folder;
}
