import { transformed } from '../changes.ts';
import { operation } from '../operation.ts';
import { affine } from '../warp/matrix.ts';

// Not among the defaults: few things look natural upside down.
export const flipTopBottom = operation({
  name: 'flipTopBottom',
  summary: 'flips the picture upside down',
  probability: 0.5,
  parameters: {},
  sample: (_random, _parameters, size) => transformed(size, affine(1, 0, 0, 0, -1, size.height)),
});
