import { operation } from '../operation.ts';
import { integer } from '../parameters.ts';
import { between } from '../random.ts';

export const jpegArtefacts = operation({
  name: 'jpegArtefacts',
  summary: 'adds the artefacts of strong JPEG compression',
  probability: 0.5,
  parameters: {
    minQuality: integer(1, 100, 10, 'lowest quality'),
    maxQuality: integer(1, 100, 50, 'highest quality'),
  },
  sample(random, { minQuality, maxQuality }) {
    const quality = Math.floor(between(random, minQuality, maxQuality + 1));
    return {
      kind: 'pixels',
      async change({ data, width, height }) {
        const { default: sharp } = await import('sharp');
        const image = sharp(data, { raw: { width, height, channels: 3 } });
        const jpeg = await image.jpeg({ quality, optimiseCoding: false }).toBuffer();
        return { data: await sharp(jpeg).toColourspace('srgb').raw().toBuffer(), width, height };
      },
    };
  },
});
