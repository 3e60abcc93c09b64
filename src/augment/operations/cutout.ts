import { placeAnywhere } from '../noise.ts';
import { colourOf, operation } from '../operation.ts';
import { fill, number } from '../parameters.ts';

/** DeVries and Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout". */
export const cutout = operation({
  name: 'cutout',
  summary: 'a square of one colour laid over it',
  probability: 0.5,
  parameters: {
    side: number(0.01, 1, 0.3, 'of the shorter side'),
    fill: { ...fill('#808080', 'its colour'), allowed: 'a colour as "#rrggbb"', accepts: isColour },
  },
  sample(random, { side, fill }, size) {
    const length = side * Math.min(size.width, size.height);
    const place = placeAnywhere(random, { width: length, height: length }, size);
    const line = Buffer.alloc(place.width * 3, Buffer.from(colourOf(fill)));
    return {
      kind: 'pixels',
      change({ data, width, height }) {
        const output = Buffer.from(data);
        for (let y = place.top; y < place.top + place.height; y++)
          line.copy(output, (y * width + place.left) * 3);
        return { data: output, width, height };
      },
    };
  },
});

function isColour(value: unknown): boolean {
  return typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value);
}
