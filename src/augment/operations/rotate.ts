import { transformed } from '../changes.ts';
import { operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { between } from '../random.ts';
import { rotation } from '../rotation.ts';

export const rotate = operation({
  name: 'rotate',
  summary: 'rotates, and enlarges the largest part of the same aspect ratio that shows no empty corner',
  probability: 0.5,
  parameters: {
    maxLeft: number(0, 180, 20, 'largest angle anticlockwise, in degrees'),
    maxRight: number(0, 180, 20, 'largest angle clockwise, in degrees'),
  },
  sample(random, { maxLeft, maxRight }, size) {
    const degrees = between(random, -maxLeft, maxRight);
    const angle = (Math.abs(degrees) * Math.PI) / 180;
    const aspect = Math.max(size.width / size.height, size.height / size.width);
    const zoom = Math.abs(Math.cos(angle)) + aspect * Math.sin(angle);
    return transformed(size, rotation(degrees, zoom, size));
  },
});
