import { quickRandom } from '../noise.ts';
import { between, normal, operation, toByte } from '../operation.ts';
import { number } from '../parameters.ts';

/** A power of two. */
const samples = 4096;

export const noise = operation({
  name: 'noise',
  summary: 'Gaussian noise in every value',
  probability: 0.5,
  parameters: {
    minDeviation: number(0, 128, 2, 'least standard deviation, of 255'),
    maxDeviation: number(0, 128, 16, 'most'),
  },
  sample(random, { minDeviation, maxDeviation }) {
    const deviation = between(random, minDeviation, maxDeviation);
    // Normal numbers are dear: some are made, and each value takes one of them.
    const offsets = Float32Array.from({ length: samples }, () => deviation * normal(random));
    const start = random();
    return {
      kind: 'pixels',
      change({ data, width, height }) {
        const output = Buffer.allocUnsafe(data.length);
        const bits = quickRandom(() => start);
        for (let at = 0; at < data.length; at++) {
          output[at] = toByte((data[at] as number) + (offsets[bits() & (samples - 1)] as number));
        }
        return { data: output, width, height };
      },
    };
  },
});
