import { transformed, withFill } from '../changes.ts';
import { operation } from '../operation.ts';
import { fill, flag, number } from '../parameters.ts';
import { between } from '../random.ts';
import { rotation } from '../rotation.ts';

export const rotateWithoutCrop = operation({
  name: 'rotateWithoutCrop',
  summary: 'rotates and fills the empty corners',
  probability: 0.5,
  parameters: {
    maxLeft: number(0, 180, 20, 'largest angle anticlockwise, in degrees'),
    maxRight: number(0, 180, 20, 'largest angle clockwise, in degrees'),
    expand: flag(false, 'enlarge the frame so that no part of the picture is cut off'),
    fill: fill('#000000', 'what fills the corners'),
  },
  sample(random, { maxLeft, maxRight, expand, fill }, size) {
    const degrees = between(random, -maxLeft, maxRight);
    const to = expand ? boundsOf(degrees, size) : size;
    return withFill(transformed(to, rotation(degrees, 1, size, to)), fill, size);
  },
});

/** The smallest size that a rotated picture fits into. */
function boundsOf(degrees: number, { width, height }: { width: number; height: number }) {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  // Less the rounding error, so that a rotation by 0 degrees keeps the size.
  const bound = (length: number) => Math.max(1, Math.ceil(length - 1e-6));
  return { width: bound(cos * width + sin * height), height: bound(sin * width + cos * height) };
}
