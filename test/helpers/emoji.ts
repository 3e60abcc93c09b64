import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';

const require = createRequire(import.meta.url);
const noto = JSON.parse(readFileSync(require.resolve('@iconify-json/noto/icons.json'), 'utf8'));

/** Twelve icons of each class. */
export const iconsOf = {
  animal: 'bat bear boar camel cow dog elephant ewe goat gorilla horse pig'.split(' '),
  food: 'avocado bacon banana bread broccoli carrot cherries cookie doughnut grapes pizza taco'.split(' '),
};

/** An icon of Noto Emoji, PNG on white. */
export function emoji(name: string, pixels = 64): Sharp {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 128">${noto.icons[name].body}</svg>`;
  return sharp(Buffer.from(svg)).resize(pixels, pixels).flatten({ background: 'white' }).png();
}

/** Writes <folder>/rawdata/animal/*.png and <folder>/rawdata/food/*.png, twelve real pictures each. */
export async function writeRawData(folder: string): Promise<void> {
  for (const [name, icons] of Object.entries(iconsOf)) {
    mkdirSync(join(folder, 'rawdata', name), { recursive: true });
    for (const icon of icons) await emoji(icon).toFile(join(folder, 'rawdata', name, `${icon}.png`));
  }
}
