import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';

const require = createRequire(import.meta.url);
const noto = JSON.parse(readFileSync(require.resolve('@iconify-json/noto/icons.json'), 'utf8'));

const classes = {
  animal: [
    'bat',
    'bear',
    'boar',
    'camel',
    'cow',
    'dog',
    'elephant',
    'ewe',
    'goat',
    'gorilla',
    'horse',
    'pig',
  ],
  food: [
    'avocado',
    'bacon',
    'banana',
    'bread',
    'broccoli',
    'carrot',
    'cherries',
    'cookie',
    'doughnut',
    'grapes',
    'pizza',
    'taco',
  ],
};

/** Noto's picture of an icon, PNG on a white ground. */
export function emoji(name: string, pixels = 64): Sharp {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 128">${noto.icons[name].body}</svg>`;
  return sharp(Buffer.from(svg)).resize(pixels, pixels).flatten({ background: 'white' }).png();
}

/** Writes rawdata/animal/*.png and rawdata/food/*.png, twelve real pictures each. */
export async function writeRawData(folder: string): Promise<void> {
  for (const [name, icons] of Object.entries(classes)) {
    mkdirSync(join(folder, 'rawdata', name), { recursive: true });
    for (const icon of icons) await emoji(icon).toFile(join(folder, 'rawdata', name, `${icon}.png`));
  }
}
