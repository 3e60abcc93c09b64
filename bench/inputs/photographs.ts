import { createCipheriv, createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import seedrandom from 'seedrandom';
import sharp, { type OverlayOptions } from 'sharp';
import { mapConcurrently } from '../../src/async/concurrency.ts';

const require = createRequire(import.meta.url);
const cache = fileURLToPath(new URL('../../.cache/bench-pictures', import.meta.url));

const { icons } = JSON.parse(readFileSync(require.resolve('@iconify-json/noto/icons.json'), 'utf8'));

type Random = () => number;

/** Bytes that depend on the name alone: a cipher's key stream, which is fast. */
function bytesOf(name: string, count: number): Buffer {
  const key = createHash('sha256').update(name).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(count));
}

interface Octave {
  /** Distance in pixels over which the noise is smooth. */
  grain: number;
  weight: number;
  /** 1 for noise in brightness alone. */
  channels: 1 | 3;
}

const octaves: Octave[] = [
  { grain: 256, weight: 0.5, channels: 3 },
  { grain: 64, weight: 0.25, channels: 3 },
  { grain: 16, weight: 0.2, channels: 1 },
  { grain: 4, weight: 0.2, channels: 1 },
  { grain: 1, weight: 0.08, channels: 1 },
];

function noise(name: string, width: number, height: number, { grain, channels }: Octave): Promise<Buffer> {
  const raw = { width: Math.ceil(width / grain) + 1, height: Math.ceil(height / grain) + 1, channels };
  const values = bytesOf(`${name}/${grain}`, raw.width * raw.height * channels);
  return sharp(values, { raw }).resize(width, height, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer();
}

/** Octaves of noise: soft light and shade, texture, and a sensor's grain. */
async function background(name: string, width: number, height: number): Promise<Buffer> {
  const sum = new Float32Array(width * height * 3).fill(-28);
  for (const octave of octaves) {
    const layer = await noise(name, width, height, octave);
    const step = 3 / octave.channels;
    for (let i = 0; i < sum.length; i++)
      sum[i] = (sum[i] as number) + octave.weight * (layer[Math.floor(i / step)] as number);
  }
  return Buffer.from(new Uint8ClampedArray(sum).buffer);
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

/** A baseline JPEG with 4:2:0 chroma, about 150 kB at 1024 x 768, like those of cameras and the web. */
async function photograph(index: number, width: number, height: number): Promise<Buffer> {
  const name = `photograph/${index}`;
  const random = seedrandom(name);
  const pixels = await background(name, width, height);
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .composite(await drawings(random, width, height))
    .jpeg({ quality: 88, chromaSubsampling: '4:2:0' })
    .toBuffer();
}

/** A folder of JPEGs <index>.jpg, the same on every machine. Made once. */
export async function photographs(count: number, width = 1024, height = 768): Promise<string> {
  const folder = join(cache, `photographs-${count}-${width}x${height}`);
  if (existsSync(folder)) return folder;
  console.error(`Drawing ${count} pictures of ${width} x ${height} in ${folder} ...`);
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
