import { operation, part } from '../operation.ts';
import { integer } from '../parameters.ts';

export const resize = operation({
  name: 'resize',
  summary: 'stretched to so many pixels',
  probability: 1,
  parameters: {
    width: integer(1, 16384, 100, 'pixels'),
    height: integer(1, 16384, 100, 'pixels'),
  },
  sample: (_random, { width, height }, size) => part(0, 0, size, { width, height }),
});
