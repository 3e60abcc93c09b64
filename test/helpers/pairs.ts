import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { emoji, iconsOf } from './emoji.ts';

const side = 64;

/** Two icons of Noto Emoji side by side, PNG on white. */
export async function pair(left: string, right: string): Promise<Buffer> {
  const half = async (icon: string) => sharp(await emoji(icon, side).toBuffer()).toBuffer();
  return sharp({ create: { width: 2 * side, height: side, channels: 3, background: 'white' } })
    .composite([
      { input: await half(left), left: 0, top: 0 },
      { input: await half(right), left: side, top: 0 },
    ])
    .png()
    .toBuffer();
}

/**
 * Writes <folder>/rawdata/animal/*.png and <folder>/rawdata/food/*.png: twelve pictures of two animals, twelve of two
 * dishes, and twelve of one of each, which lie in both folders.
 */
export async function writePairs(folder: string): Promise<void> {
  for (const name of ['animal', 'food']) mkdirSync(join(folder, 'rawdata', name), { recursive: true });
  const { animal, food } = iconsOf;
  for (const [index, one] of animal.entries()) {
    const path = (name: string, file: string) => join(folder, 'rawdata', name, file);
    const next = (index + 5) % animal.length;
    const write = async (left: string, right: string, to: string) =>
      void (await sharp(await pair(left, right)).toFile(to));
    await write(one, animal[next] as string, path('animal', `${one}.png`));
    await write(food[index] as string, food[next] as string, path('food', `${food[index]}.png`));
    const both = `${one}-${food[index]}.png`;
    const order = [one, food[index] as string] as const;
    await write(...((index % 2 ? order : order.toReversed()) as [string, string]), path('animal', both));
    copyFileSync(path('animal', both), path('food', both));
  }
}
