import { copyOf } from '../buffers.ts';
import { parseColour } from '../changes.ts';
import { randomRectangle } from '../crop.ts';
import { operation } from '../operation.ts';
import { colour, number } from '../parameters.ts';

/** DeVries and Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout". */
export const cutout = operation({
  name: 'cutout',
  summary: 'covers a square with one colour',
  probability: 0.5,
  parameters: {
    side: number(0.01, 1, 0.3, 'length, as a share of the shorter side'),
    fill: colour('#808080', 'colour of the square'),
  },
  sample(random, { side, fill }, size) {
    const length = side * Math.min(size.width, size.height);
    const square = randomRectangle(random, { width: length, height: length }, size);
    const line = Buffer.alloc(square.width * 3, Buffer.from(parseColour(fill)));
    return {
      kind: 'pixels',
      change({ data, width, height }) {
        const output = copyOf(data);
        for (let y = square.top; y < square.top + square.height; y++)
          line.copy(output, (y * width + square.left) * 3);
        return { data: output, width, height };
      },
    };
  },
});
