import { mapped, operation } from '../operation.ts';
import { affine } from '../warp/matrix.ts';

// Not among the defaults: few things are still themselves that way.
export const flipTopBottom = operation({
  name: 'flipTopBottom',
  summary: 'upside down, as in water',
  probability: 0.5,
  parameters: {},
  sample: (_random, _parameters, size) => mapped(size, affine(1, 0, 0, 0, -1, size.height)),
});
