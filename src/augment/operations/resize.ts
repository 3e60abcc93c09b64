import { cropAndResize } from '../changes.ts';
import { operation } from '../operation.ts';
import { integer } from '../parameters.ts';

export const resize = operation({
  name: 'resize',
  summary: 'stretches the picture to a size',
  probability: 1,
  parameters: {
    width: integer(1, 16384, 100, 'width, in pixels'),
    height: integer(1, 16384, 100, 'height, in pixels'),
  },
  sample: (_random, { width, height }, size) => cropAndResize(0, 0, size, { width, height }),
});
