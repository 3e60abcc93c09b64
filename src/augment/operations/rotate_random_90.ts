import { operation } from '../operation.ts';
import { oneOf } from '../random.ts';
import { rotate90 } from './rotate_90.ts';
import { rotate180 } from './rotate_180.ts';
import { rotate270 } from './rotate_270.ts';

export const rotateRandom90 = operation({
  name: 'rotateRandom90',
  summary: 'rotates by 90, 180 or 270 degrees',
  probability: 0.5,
  parameters: {},
  sample: (random, parameters, size) =>
    oneOf(random, [rotate90, rotate180, rotate270]).sample(random, parameters, size),
});
