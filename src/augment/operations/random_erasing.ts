import { placeAnywhere, quickRandom } from '../noise.ts';
import { between, operation } from '../operation.ts';
import { number } from '../parameters.ts';

/** As Zhong et al. 2017, "Random Erasing Data Augmentation", erase: with random values. */
export const randomErasing = operation({
  name: 'randomErasing',
  summary: 'a rectangle of random values laid over it',
  probability: 0.5,
  parameters: {
    side: number(0.1, 1, 0.4, 'most that the rectangle has of each side; a tenth at least'),
  },
  sample(random, { side }, size) {
    const wanted = {
      width: size.width * between(random, 0.1, side),
      height: size.height * between(random, 0.1, side),
    };
    const place = placeAnywhere(random, wanted, size);
    const start = random();
    return {
      kind: 'pixels',
      change({ data, width, height }) {
        const output = Buffer.from(data);
        const bits = quickRandom(() => start);
        for (let y = place.top; y < place.top + place.height; y++) {
          const at = (y * width + place.left) * 3;
          for (let i = at; i < at + place.width * 3; i++) output[i] = bits() >>> 24;
        }
        return { data: output, width, height };
      },
    };
  },
});
