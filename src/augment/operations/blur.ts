import { edit } from '../edit.ts';
import { between, operation } from '../operation.ts';
import { number } from '../parameters.ts';

/** Less is no blur. */
const leastSigma = 0.3;

export const blur = operation({
  name: 'blur',
  summary: 'out of focus: Gaussian blur',
  probability: 0.5,
  parameters: {
    minSigma: number(0, 100, 0.5, 'least standard deviation, pixels'),
    maxSigma: number(0, 100, 2, 'most'),
  },
  sample(random, { minSigma, maxSigma }) {
    const sigma = between(random, minSigma, maxSigma);
    if (sigma < leastSigma) return [];
    return {
      kind: 'pixels',
      change: (picture) => edit(picture, (image) => image.blur({ sigma, minAmplitude: 0.01 })),
    };
  },
});
