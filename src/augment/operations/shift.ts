import { between, filled, mapped, operation } from '../operation.ts';
import { fill, number } from '../parameters.ts';
import { affine } from '../warp/matrix.ts';

export const shift = operation({
  name: 'shift',
  summary: 'moved sideways, up or down',
  probability: 0.5,
  parameters: {
    horizontal: number(0, 1, 0.12, 'most to the left or right, of the width'),
    vertical: number(0, 1, 0.12, 'most up or down, of the height'),
    fill: fill('edge', 'what comes in'),
  },
  sample(random, { horizontal, vertical, fill }, size) {
    const right = Math.round(between(random, -horizontal, horizontal) * size.width);
    const down = Math.round(between(random, -vertical, vertical) * size.height);
    return filled(mapped(size, affine(1, 0, -right, 0, 1, -down)), fill, size);
  },
});
