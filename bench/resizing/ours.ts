/**
 * Decodes and resizes one picture at a time: ours.ts <bat-sup|sharp>. Lines and answers are those of
 * against/resize_pixels.py.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { decodePicture } from '../../src/images/decode.ts';
import { temporaryFolder } from '../../test/helpers/folder.ts';
import { converse } from '../measure/conversation.ts';
import { timed } from '../measure/spent.ts';
import type { Job } from './pixels.ts';

sharp.concurrency(1);
sharp.cache(false);

const ways: Record<string, (file: string, size: number) => Promise<Uint8Array>> = {
  'bat-sup': (file, size) => decodePicture(file, { width: size, height: size, channels: 3, fit: 'fill' }),
  /** As one would write it. */
  sharp: (file, size) => sharp(file).resize(size, size, { fit: 'fill' }).removeAlpha().raw().toBuffer(),
};
const [name = ''] = process.argv.slice(2);
const resize = ways[name] as (typeof ways)[string];
const { sharp: version, vips } = sharp.versions;
const description = name === 'sharp' ? `sharp ${version}, libvips ${vips}` : name;

/** Compiled, and in the thread that decodes all but the first pictures, before anything is measured. */
async function warmUp(): Promise<void> {
  const file = join(temporaryFolder(), 'warm-up.jpg');
  await sharp({ create: { width: 640, height: 480, channels: 3, background: 'grey' } }).toFile(file);
  for (let i = 0; i < 40; i++) await resize(file, 100);
}

await warmUp();
await converse(description, async (line) => {
  const { file, size, times, output }: Job = JSON.parse(line);
  let pixels: Uint8Array = new Uint8Array();
  try {
    const spent = await timed(async () => {
      for (let i = 0; i < times; i++) pixels = await resize(file, size);
    });
    writeFileSync(output, pixels);
    return spent;
  } catch (error) {
    return { failed: (error as Error).message.split('\n')[0] };
  }
});
