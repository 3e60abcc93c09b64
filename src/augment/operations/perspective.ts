import { mapped, operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { toQuadrilateral } from '../warp/matrix.ts';

export const perspective = operation({
  name: 'perspective',
  summary: 'seen from elsewhere: each corner shows a place nearer to the middle',
  probability: 0.5,
  parameters: { magnitude: number(0, 0.9, 0.3, 'most that a corner moves in, of half of each side') },
  sample(random, { magnitude }, size) {
    const { width, height } = size;
    const inX = () => (random() * magnitude * width) / 2;
    const inY = () => (random() * magnitude * height) / 2;
    return mapped(
      size,
      toQuadrilateral(width, height, [
        [inX(), inY()],
        [width - inX(), inY()],
        [width - inX(), height - inY()],
        [inX(), height - inY()],
      ]),
    );
  },
});
