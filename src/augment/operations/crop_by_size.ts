import { anywhere, crop, middle } from '../crop.ts';
import { operation } from '../operation.ts';
import { flag, integer } from '../parameters.ts';

export const cropBySize = operation({
  name: 'cropBySize',
  summary: 'a part of so many pixels; a smaller picture stays as it is',
  probability: 1,
  parameters: {
    width: integer(1, 16384, 100, 'pixels'),
    height: integer(1, 16384, 100, 'pixels'),
    centre: flag(true, 'from the middle; else from anywhere'),
  },
  sample(random, { width, height, centre }, size) {
    if (width > size.width || height > size.height) return [];
    return crop(size, { width, height }, centre ? middle : anywhere(random));
  },
});
