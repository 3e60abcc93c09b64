import { copyOf } from '../buffers.ts';
import { randomRectangle } from '../crop.ts';
import { operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { between, xorshift } from '../random.ts';

/** Zhong et al. 2017, "Random Erasing Data Augmentation": their variant with random values. */
export const randomErasing = operation({
  name: 'randomErasing',
  summary: 'covers a rectangle with random values',
  probability: 0.5,
  parameters: {
    side: number(
      0.1,
      1,
      0.4,
      'largest share of each side that the rectangle covers; the smallest is a tenth',
    ),
  },
  sample(random, { side }, size) {
    const wanted = {
      width: size.width * between(random, 0.1, side),
      height: size.height * between(random, 0.1, side),
    };
    const rectangle = randomRectangle(random, wanted, size);
    const seed = random();
    return {
      kind: 'pixels',
      change({ data, width, height }) {
        const output = copyOf(data);
        const bits = xorshift(seed);
        for (let y = rectangle.top; y < rectangle.top + rectangle.height; y++) {
          const at = (y * width + rectangle.left) * 3;
          for (let i = at; i < at + rectangle.width * 3; i++) output[i] = bits() >>> 24;
        }
        return { data: output, width, height };
      },
    };
  },
});
