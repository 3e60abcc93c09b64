import { takeBuffer } from '../buffers.ts';
import { toByte } from '../changes.ts';
import { operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { between, normal, xorshift } from '../random.ts';

/** Samples in the table of noise: a power of two, so that random bits index it. */
const tableLength = 4096;

export const noise = operation({
  name: 'noise',
  summary: 'adds Gaussian noise to every value',
  probability: 0.5,
  parameters: {
    minDeviation: number(0, 128, 2, 'smallest standard deviation (values are 0..255)'),
    maxDeviation: number(0, 128, 16, 'largest standard deviation'),
  },
  sample(random, { minDeviation, maxDeviation }) {
    const deviation = between(random, minDeviation, maxDeviation);
    // Normal samples are expensive: draw a table once, then index it.
    const table = Float32Array.from({ length: tableLength }, () => deviation * normal(random));
    const seed = random();
    return {
      kind: 'pixels',
      change({ data, width, height }) {
        const output = takeBuffer(data.length);
        const bits = xorshift(seed);
        for (let at = 0; at < data.length; at++) {
          output[at] = toByte((data[at] as number) + (table[bits() & (tableLength - 1)] as number));
        }
        return { data: output, width, height };
      },
    };
  },
});
