/**
 * Speed and quality of decoding and resizing pictures: bat-sup, sharp, libvips, Pillow, Pillow-SIMD and OpenCV.
 *
 * npm run bench -- resize [--parts folder,pixels] [--rounds 7] [--count 500] [--size 100] [--kinds jpeg,png,webp,heic]
 *   [--megapixels 3,12,48] [--sizes 100,224] [--python python] [--pillow-simd-python python] [--json]
 *
 * folder: --count JPEGs of 1024 x 768 to JPEGs of --size, with every core. pixels: one photograph at a time, on one thread,
 * from its file to pixels in memory: a JPEG of each of --megapixels, the other --kinds at the middle one, to each of --sizes;
 * compared by the processor's time. Everyone as it is used at its best. Rounds alternate. Quality is PSNR (and SSIM) against
 * Lanczos resampling of the whole picture in floating point. Who cannot read a kind is left out, and named.
 */
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { compareFolders } from './resizing/folder.ts';
import { comparePixels } from './resizing/pixels.ts';

const options = readOptions({
  parts: ['folder', 'pixels'],
  rounds: 7,
  count: 500,
  size: 100,
  kinds: ['jpeg', 'png', 'webp', 'heic'],
  megapixels: [3, 12, 48],
  sizes: [100, 224],
  python: '',
  'pillow-simd-python': '',
});
const { parts, count, size } = options;
const folder = parts.includes('folder') ? { count, size, contestants: await compareFolders(options) } : {};
const pixels = parts.includes('pixels') ? await comparePixels(options) : [];
report('resize', options, { ...folder, pixels });
process.exit();
