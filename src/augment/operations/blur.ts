import { edit } from '../edit.ts';
import { operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { between } from '../random.ts';

/** Below this nothing would be seen. */
const minVisibleSigma = 0.3;

export const blur = operation({
  name: 'blur',
  summary: 'blurs the picture (Gaussian)',
  probability: 0.5,
  parameters: {
    minSigma: number(0, 100, 0.5, 'smallest standard deviation, in pixels'),
    maxSigma: number(0, 100, 2, 'largest standard deviation, in pixels'),
  },
  sample(random, { minSigma, maxSigma }) {
    const sigma = between(random, minSigma, maxSigma);
    if (sigma < minVisibleSigma) return [];
    return {
      kind: 'pixels',
      change: (picture) => edit(picture, (image) => image.blur({ sigma, minAmplitude: 0.01 })),
    };
  },
});
