import { transformed, withFill } from '../changes.ts';
import { operation } from '../operation.ts';
import { fill, number } from '../parameters.ts';
import { between } from '../random.ts';
import { affine } from '../warp/matrix.ts';

export const shift = operation({
  name: 'shift',
  summary: 'moves the picture sideways, up or down',
  probability: 0.5,
  parameters: {
    horizontal: number(0, 1, 0.12, 'how far to the left or right at most, as a share of the width'),
    vertical: number(0, 1, 0.12, 'how far up or down at most, as a share of the height'),
    fill: fill('edge', 'what fills the space'),
  },
  sample(random, { horizontal, vertical, fill }, size) {
    const right = Math.round(between(random, -horizontal, horizontal) * size.width);
    const down = Math.round(between(random, -vertical, vertical) * size.height);
    return withFill(transformed(size, affine(1, 0, -right, 0, 1, -down)), fill, size);
  },
});
