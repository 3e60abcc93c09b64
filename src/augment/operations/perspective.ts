import { transformed } from '../changes.ts';
import { operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { toQuadrilateral } from '../warp/matrix.ts';

export const perspective = operation({
  name: 'perspective',
  summary: 'changes the perspective: moves each corner of the view towards the centre',
  probability: 0.5,
  parameters: {
    magnitude: number(0, 0.9, 0.3, 'how far a corner moves at most, as a share of half of each side'),
  },
  sample(random, { magnitude }, size) {
    const { width, height } = size;
    const inX = () => (random() * magnitude * width) / 2;
    const inY = () => (random() * magnitude * height) / 2;
    return transformed(
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
