import { operation } from '../operation.ts';
import { integer } from '../parameters.ts';
import { policyOperations } from '../policy.ts';
import { oneOf } from '../random.ts';

const maxMagnitude = 30;

const operations = policyOperations({
  shear: 0.3,
  translate: (side) => 0.45 * side,
  degrees: 30,
  factor: 0.9,
  bits: 4,
});

/** Cubuk et al. 2020, "RandAugment: Practical Automated Data Augmentation with a Reduced Search Space". */
export const randAugment = operation({
  name: 'randAugment',
  summary: 'RandAugment: applies some of fourteen operations, all with one strength',
  probability: 1,
  parameters: {
    operations: integer(1, 10, 2, 'how many to apply (N in the paper)'),
    magnitude: integer(0, maxMagnitude, 9, 'their strength (M in the paper)'),
  },
  sample(random, { operations: count, magnitude }, size) {
    return Array.from({ length: count }, () => oneOf(random, operations)).flatMap((change) =>
      change(random, magnitude / maxMagnitude, size),
    );
  },
});
