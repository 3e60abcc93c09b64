import { transformed } from '../changes.ts';
import { operation } from '../operation.ts';
import { affine } from '../warp/matrix.ts';

export const flipLeftRight = operation({
  name: 'flipLeftRight',
  summary: 'mirrors the picture',
  probability: 0.5,
  parameters: {},
  sample: (_random, _parameters, size) => transformed(size, affine(-1, 0, size.width, 0, 1, 0)),
});
