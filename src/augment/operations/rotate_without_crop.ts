import { between, filled, mapped, operation } from '../operation.ts';
import { fill, flag, number } from '../parameters.ts';
import { turn } from '../turn.ts';

export const rotateWithoutCrop = operation({
  name: 'rotateWithoutCrop',
  summary: 'turned, empty corners filled',
  probability: 0.5,
  parameters: {
    maxLeft: number(0, 180, 20, 'most degrees to the left'),
    maxRight: number(0, 180, 20, 'most degrees to the right'),
    expand: flag(false, 'make the picture larger, so that all of it is seen'),
    fill: fill('#000000', 'what the corners become'),
  },
  sample(random, { maxLeft, maxRight, expand, fill }, size) {
    const degrees = between(random, -maxLeft, maxRight);
    const to = expand ? boundsOf(degrees, size) : size;
    return filled(mapped(to, turn(degrees, 1, size, to)), fill, size);
  },
});

/** What a turned picture fits into. */
function boundsOf(degrees: number, { width, height }: { width: number; height: number }) {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  // Less what floating point adds, so that no turn keeps the size.
  const bound = (length: number) => Math.max(1, Math.ceil(length - 1e-6));
  return { width: bound(cos * width + sin * height), height: bound(sin * width + cos * height) };
}
