import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { emoji, writeRawData } from './emoji.ts';

/** A name that would break a line, a table and an HTML page. */
export const hostileName = '-evil\n<img src=x onerror=alert(1)>\u202e.png';

/** Writes rawdata/ with every problem that check finds, in addition to the pictures of writeRawData. */
export async function writeFlawedData(folder: string): Promise<void> {
  await writeRawData(folder);
  const [animal, food] = ['animal', 'food'].map((name) => join(folder, 'rawdata', name)) as [string, string];
  const bear = await emoji('bear', 128).toBuffer();
  const copy = await sharp(bear).resize(100, 100).jpeg({ quality: 60 }).toBuffer();
  // Bytes of ones, which are not a Huffman code.
  for (let at = copy.length - 10; at < copy.length - 2; at += 2) copy.writeUInt16BE(0xff00, at);
  writeFileSync(join(animal, 'bear-copy.jpg'), copy);
  await sharp(join(food, 'taco.png')).jpeg().toFile(join(animal, 'mexican.jpg'));
  copyFileSync(join(animal, 'cow.png'), join(food, 'steak.png'));
  copyFileSync(join(animal, 'dog.png'), join(animal, 'dog.png.aug-0001.jpg'));
  copyFileSync(join(animal, 'horse.png'), join(animal, hostileName));
  writeFileSync(join(animal, 'page.jpg'), '<html></html>');
  writeFileSync(join(animal, 'film.mov'), '\0\0\0\x14ftypqt  \0\0\0\0qt  ');
  writeFileSync(join(animal, 'pig.jpeg'), await emoji('pig', 128).webp().toBuffer());
  await emoji('locomotive', 30).toFile(join(food, 'tiny.png'));
  await sharp(await emoji('guitar').toBuffer())
    .resize(400, 80, { fit: 'fill' })
    .toFile(join(food, 'stripe.png'));
  const white = { create: { width: 80, height: 80, channels: 3, background: 'white' } } as const;
  await sharp(white).png().toFile(join(food, 'white.png'));
  mkdirSync(join(animal, 'more'));
  symlinkSync('..', join(animal, 'more', 'up'));
  symlinkSync('loop.png', join(animal, 'loop.png'));
}
