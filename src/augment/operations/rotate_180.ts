import { operation } from '../operation.ts';
import { affine } from '../warp/matrix.ts';

export const rotate180 = operation({
  name: 'rotate180',
  summary: 'rotates by 180 degrees',
  probability: 0.5,
  parameters: {},
  sample: (_random, _parameters, { width, height }) => ({
    kind: 'geometry',
    width,
    height,
    stages: [{ kind: 'matrix', matrix: affine(-1, 0, width, 0, -1, height) }],
  }),
});
