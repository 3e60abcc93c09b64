import { between, mapped, operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { turn } from '../turn.ts';

export const rotate = operation({
  name: 'rotate',
  summary: 'turned; the largest part of the same aspect that shows no empty corner, enlarged to the size',
  probability: 0.5,
  parameters: {
    maxLeft: number(0, 180, 20, 'most degrees to the left'),
    maxRight: number(0, 180, 20, 'most degrees to the right'),
  },
  sample(random, { maxLeft, maxRight }, size) {
    const degrees = between(random, -maxLeft, maxRight);
    const angle = (Math.abs(degrees) * Math.PI) / 180;
    const aspect = Math.max(size.width / size.height, size.height / size.width);
    const zoom = Math.abs(Math.cos(angle)) + aspect * Math.sin(angle);
    return mapped(size, turn(degrees, zoom, size));
  },
});
