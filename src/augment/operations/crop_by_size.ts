import { anywhere, crop, middle } from '../crop.ts';
import { operation } from '../operation.ts';
import { flag, integer } from '../parameters.ts';

export const cropBySize = operation({
  name: 'cropBySize',
  summary: 'cuts out a part of this size; smaller pictures stay as they are',
  probability: 1,
  parameters: {
    width: integer(1, 16384, 100, 'width of the part, in pixels'),
    height: integer(1, 16384, 100, 'height of the part, in pixels'),
    centre: flag(true, 'cut out the centre; otherwise a random position'),
  },
  sample(random, { width, height, centre }, size) {
    if (width > size.width || height > size.height) return [];
    return crop(size, { width, height }, centre ? middle : anywhere(random));
  },
});
