import { mapped, operation } from '../operation.ts';
import { affine } from '../warp/matrix.ts';

export const flipLeftRight = operation({
  name: 'flipLeftRight',
  summary: 'the mirror image',
  probability: 0.5,
  parameters: {},
  sample: (_random, _parameters, size) => mapped(size, affine(-1, 0, size.width, 0, 1, 0)),
});
