import { operation } from '../operation.ts';
import { affine } from '../warp/matrix.ts';

export const rotate90 = operation({
  name: 'rotate90',
  summary: 'rotates by 90 degrees anticlockwise',
  probability: 0.5,
  parameters: {},
  sample: (_random, _parameters, { width, height }) => ({
    kind: 'geometry',
    width: height,
    height: width,
    stages: [{ kind: 'matrix', matrix: affine(0, -1, width, 1, 0, 0) }],
  }),
});
